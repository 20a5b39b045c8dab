"""What a graph is: dtypes, shapes, op declarations, operations, tensors, graphs, scopes, errors.

This room imports no other room of minitf. What operators on a `Tensor` mean, and how a Python
value becomes a constant, is filled in by `minitf.ops` through the tables in `tensor` and `convert`.
"""
