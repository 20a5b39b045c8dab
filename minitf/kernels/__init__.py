"""With this package one can compute fast: plain numpy arrays in, plain numpy arrays out.

It knows nothing of graphs, and imports numpy and (when a kernel first runs) Numba, nothing else.

    jit        how a Python function becomes machine code at its first call, and where it is kept
    dispatch   which dtypes run compiled, and what runs for the others
    parallel   the threads that share a kernel's work, block by block, with the same bits for any
               number of them
    waiting    how those threads wait for one another: awake, for some microseconds
    blas       one thread for each of numpy's matrix products, so that ours can share them out
    packing    matrices in panels, as the microkernel wants them
    gemm       matrix products over those threads, by BLAS or by packed_product
    workspace  scratch memory that is used again
    padding    SAME, VALID and EXPLICIT as arithmetic, shared by shape rules and kernels
    conv       two-dimensional convolution and its gradients, and which algorithm computes them
    direct     ... as a matrix product on the image as it lies; im2col: on copies of its windows
    pointwise  ... of windows of one cell
    winograd   ... with fewer multiplications, somewhat less exactly
    microkernel  matrix products in registers, wherever their rows lie
    simd       machine code for vectors, written by hand
    depthwise  the same, each channel on its own
    pool       max and average pooling and their gradients
    pool2x2    maxima of 2x2 cells, with a note of where they were, and bias and relu in one sweep
    fused      convolutions with what follows them, done while the numbers are in the cache
    vector_math  exp, log, tanh and their kin, of arrays and inside other kernels
    reductions   sums of many numbers, in blocks, with small rounding errors
    generated    kernels whose source a program wrote, kept for the next process
    philox     TensorFlow's random numbers; random_elements makes them from random bits
    reference  convolution and pooling written for reading: what the tests compare with, and what
               runs where Numba is absent
"""
