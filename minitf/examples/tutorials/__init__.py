"""With this package one can import what TF1 scripts import from `tensorflow.examples.tutorials`."""

from minitf.examples.tutorials import mnist as mnist
