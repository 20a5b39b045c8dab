"""What a node means: every op with its declaration, shape rule, kernel, gradient and function.

One file holds one family, as in TensorFlow. Importing this room declares the ops and fills the
tables of `framework`: the operators on tensors, and how Python values become constants.
"""
