"""With this package one can use `tf.layers`: parts of networks that make their own variables.

A function such as `dense` makes a layer object, calls it once and returns its output; the object is
for calling it several times with the same variables.

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32, [None, 784])
>>> hidden = tf.layers.dense(x, 100, activation=tf.nn.relu)
>>> logits = tf.layers.dense(hidden, 10)
>>> [v.name for v in tf.trainable_variables()]
['dense/kernel:0', 'dense/bias:0', 'dense_1/kernel:0', 'dense_1/bias:0']
"""

# ---- writing layers
from minitf.layers.base import InputSpec as InputSpec
from minitf.layers.base import Layer as Layer

# ---- convolutions
from minitf.layers.convolutional import Conv1D as Conv1D
from minitf.layers.convolutional import Conv2D as Conv2D
from minitf.layers.convolutional import Conv2DTranspose as Conv2DTranspose
from minitf.layers.convolutional import conv1d as conv1d
from minitf.layers.convolutional import conv2d as conv2d
from minitf.layers.convolutional import conv2d_transpose as conv2d_transpose

# ---- all with all
from minitf.layers.core import Dense as Dense
from minitf.layers.core import Dropout as Dropout
from minitf.layers.core import Flatten as Flatten
from minitf.layers.core import dense as dense
from minitf.layers.core import dropout as dropout
from minitf.layers.core import flatten as flatten

# ---- normalization
from minitf.layers.normalization import BatchNormalization as BatchNormalization
from minitf.layers.normalization import batch_normalization as batch_normalization

# ---- pooling
from minitf.layers.pooling import AveragePooling1D as AveragePooling1D
from minitf.layers.pooling import AveragePooling2D as AveragePooling2D
from minitf.layers.pooling import MaxPooling1D as MaxPooling1D
from minitf.layers.pooling import MaxPooling2D as MaxPooling2D
from minitf.layers.pooling import average_pooling1d as average_pooling1d
from minitf.layers.pooling import average_pooling2d as average_pooling2d
from minitf.layers.pooling import max_pooling1d as max_pooling1d
from minitf.layers.pooling import max_pooling2d as max_pooling2d

# ---- separable convolutions
from minitf.layers.separable import SeparableConv1D as SeparableConv1D
from minitf.layers.separable import SeparableConv2D as SeparableConv2D
from minitf.layers.separable import separable_conv1d as separable_conv1d
from minitf.layers.separable import separable_conv2d as separable_conv2d
