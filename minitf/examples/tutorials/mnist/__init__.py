"""With this package one can read MNIST as every TF1 tutorial does.

- `input_data`: `read_data_sets`, the `DataSet` with its `next_batch`: TF1's own interface;
- `mnist`: the small fully connected model that TF1's "mechanics" tutorial builds on;
- `idx`, `sources`, `fetch`, `cache`: the file format, and how the data are found and kept;
- `third_party/mnist_sample`: 7,000 real digits for when there is no network.
"""

from minitf.examples.tutorials.mnist import input_data as input_data
