"""With this package nodes that compute element by element become one loop over the elements.

    record  what an op's kernel computes of one element, found by running it with symbols
    group   which nodes go together
    loop    the source of a group's loop
    fused   the kernel that takes the group's place, and when its loop is worth compiling

The pass `minitf.runtime.passes.fuse` puts them to use.
"""
