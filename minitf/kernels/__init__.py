"""With this package one can compute fast: plain numpy arrays in, plain numpy arrays out.

It knows nothing of graphs, and imports numpy and (when a kernel first runs) Numba, nothing else.

    jit        how a Python function becomes machine code at its first call, and where it is kept
    parallel   the threads that share a kernel's work, block by block, with the same bits for any
               number of them
    blas       one thread for each of numpy's matrix products, so that ours can share them out
    gemm       matrix products over those threads
    padding    SAME, VALID and EXPLICIT as arithmetic, shared by shape rules and kernels
    conv       two-dimensional convolution and its gradients
    depthwise  the same, each channel on its own
    pool       max and average pooling and their gradients
    optimizers how parameters change by their gradients: the rules, and Adam as one loop
    philox     TensorFlow's random numbers; random_elements makes them of random words
    reference  the same functions written for reading: what the tests compare with, and what runs
               where Numba is absent
"""
