"""With this package one can compute fast: plain numpy arrays in, plain numpy arrays out.

It knows nothing of graphs, and imports numpy and (when a kernel first runs) Numba, nothing else.

What computes:

    conv         two-dimensional convolution and its gradients, and which algorithm computes them:
    direct         as a matrix product on the image as it lies (`sliding`, `direct_blocks`)
    pointwise      the same, of windows of one cell
    winograd       with fewer multiplications, somewhat less exactly (`winograd_transforms` has the
                   maths; `winograd_blocks`)
    im2col         as a matrix product on copies of its windows, for very few output channels
    depthwise    the same, each channel on its own
    pool         max and average pooling and their gradients
    pool2x2      maxima of 2x2 cells, with a note of where they were, and bias and relu in one sweep
    fused        convolutions with what follows them, done while the numbers are in the cache
    gemm         matrix products, by BLAS or by `packed_product`
    vector_math  exp, log, tanh and their kin, of arrays and inside other kernels
    reductions   sums of many numbers, in blocks, with small rounding errors
    sums         sums of rows, and of the pixels of images, in an order that `pool2x2` shares
    optimizers   changes of a model's parameters; `sweeps` makes those of many arrays in one go
    philox       TensorFlow's random numbers; `random_elements` makes them from random bits
    crc32c       the checksum of TensorFlow's files
    generated    kernels whose source a program wrote, kept for the next process
    reference    convolution and pooling written for reading: what the tests compare with, and what
                 runs where Numba is absent

What it is made with, from the machine up:

    simd         machine code for vectors, written by hand
    microkernel  matrix products in registers, wherever their rows lie
    packing      matrices in panels, as the microkernel wants them
    padding      SAME, VALID and EXPLICIT as arithmetic, shared by shape rules and kernels
    workspace    scratch memory that is used again, and addresses of arrays

How it becomes machine code:

    jit          a Python function is compiled at its first call; `kept` keeps the code on disk
    dispatch     which dtypes run compiled, and what runs for the others

How cores share it, with the same bits for any number of them:

    stages       kernels that are planned once for some shapes, and run as one compiled call
    records      what such a plan gives to compiled code: integers with names
    jobs         how threads hand stages to one another without Python in between
    parallel     the threads; and blocks that are Python functions, for what is no stage
    waiting      how those threads wait for one another: awake, for some microseconds
    blas         one thread for each of numpy's matrix products, so that ours can share them out
"""
