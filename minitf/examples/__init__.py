"""With this package one can import what TF1 scripts import from `tensorflow.examples`."""

from minitf.examples import tutorials as tutorials
