"""With this package one can keep variables in files: TensorFlow's checkpoints, version 2.

From the bottom up:

- `coding`: how numbers are written, and the mask on checksums;
- `table`: sorted keys and values in one file, each block with a checksum;
- `slices`, `tensors`: how an array is written, and a part of a larger one;
- `files`: every operation on the file system that a save needs;
- `commit`: how new files take the place of old ones, whatever happens meanwhile;
- `bundle_writer`, `bundle_reader`: a checkpoint, which is a table and files of arrays;
- `state_file`: the file `checkpoint`, which names the latest one.

`docs/checkpoints.md` draws the formats.
"""
