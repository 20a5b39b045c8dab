"""Texts."""

import re

import numpy as np
from hypothesis import strategies as st

from tests.ops.op_case import Sample, case

TEXTS = st.sampled_from([b"", b"a", b"ab", b"s3://x", b"\0\xff", b"s3:/\n"])


def _array(draw, shape):
    array = np.empty(shape, object)
    for place in np.ndindex(*shape):
        array[place] = draw(TEXTS)
    return array


def _shapes(draw):
    return tuple(draw(st.lists(st.integers(0, 3), max_size=2)))


@st.composite
def texts_to_join(draw):
    shape = _shapes(draw)
    inputs = [
        _array(draw, draw(st.sampled_from([shape, ()]))) for _ in range(draw(st.integers(1, 3)))
    ]
    return Sample([inputs], {"separator": draw(st.sampled_from(["", "/", ", "]))})


def joined(inputs, separator):
    result = np.empty(np.broadcast_shapes(*(value.shape for value in inputs)), object)
    for place in np.ndindex(*result.shape):
        texts = [value[place] if value.shape else value.item() for value in inputs]
        result[place] = separator.encode().join(texts)
    return result


@st.composite
def texts_to_match(draw):
    pattern = draw(st.sampled_from(["^s3://.*", "a*", "", "s3:/."]))
    return Sample([_array(draw, _shapes(draw))], {"pattern": pattern})


def matched(input, pattern):
    result = np.empty(input.shape, bool)
    for place in np.ndindex(*input.shape):
        result[place] = re.fullmatch(pattern.encode(), input[place], re.DOTALL) is not None
    return result


case("StringJoin", texts_to_join(), joined)
case("StaticRegexFullMatch", texts_to_match(), matched)
