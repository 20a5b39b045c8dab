"""stub"""
from minitf.framework.dtypes import float32, int32, as_dtype
from minitf.framework.graph import Graph
from minitf.framework.default import *
from minitf.framework import errors
from minitf.ops.constant_op import constant
from minitf.ops import nn_ops as nn
from minitf.runtime.session import Session
