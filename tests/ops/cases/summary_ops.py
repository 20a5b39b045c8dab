"""Summaries: messages that are put together here byte by byte."""

import bisect
import io
import struct
import sys

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from tests.ops.op_case import Sample, case

TAGS = st.sampled_from([b"a", b"loss/train", b"x" * 200])


def as_scalar(text):
    return np.array(text, object)


# ---- the wire format


def varint(number):
    octets = []
    while True:
        number, rest = number >> 7, number & 127
        octets.append(rest | (128 if number else 0))
        if not number:
            return bytes(octets)


def message(*fields):
    """Fields in order: a number and an int, bytes, or a packed `struct` of 4 or 8 bytes."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts += [varint(number << 3), varint(value)] if value else []
        elif isinstance(value, bytes):
            parts += [varint(number << 3 | 2), varint(len(value)), value]
        else:
            form, item = value
            kind = 5 if form == "<f" else 1
            parts += [varint(number << 3 | kind), struct.pack(form, item)]
    return b"".join(parts)


def summary(*values):
    return as_scalar(b"".join(message((1, value)) for value in values))


# ---- numbers

REAL = st.sampled_from(["float32", "float64", "float16", "int32", "int64", "uint8"])


@st.composite
def tagged_numbers(draw):
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    tags = np.empty(shape, object)
    for place in np.ndindex(*shape):
        tags[place] = draw(TAGS)
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    return Sample([tags, np.asarray(rng.uniform(0, 100, shape)).astype(draw(REAL))])


def scalar_summary(tags, values):
    return summary(
        *(
            message((1, tag), (2, ("<f", float(value))))
            for tag, value in zip(tags.flat, values.flat, strict=True)
        )
    )


# ---- histograms


@st.composite
def numbers(draw):
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    scale = 10.0 ** draw(st.integers(-14, 4))
    values = np.asarray(rng.standard_normal(shape) * scale * rng.integers(0, 2, shape))
    dtype = draw(REAL)
    if np.dtype(dtype).kind != "f":
        values = abs(values) % 100
    return Sample([as_scalar(draw(TAGS)), values.astype(dtype)])


def bucket_ends():
    ends, end = [], 1e-12
    while end < 1e20:
        ends.append(end)
        end *= 1.1
    ends.append(sys.float_info.max)
    return [-end for end in reversed(ends)] + [0.0] + ends


ENDS = bucket_ends()


def histogram_summary(tag, values):
    counts = [0] * len(ENDS)
    least, most, total, squares = sys.float_info.max, -sys.float_info.max, 0.0, 0.0
    for value in map(float, values.flat):
        counts[bisect.bisect_right(ENDS, value)] += 1
        least, most = min(least, value), max(most, value)
        total, squares = total + value, squares + value * value
    kept = []  # of a run of empty buckets, the last
    for end, count in zip(ENDS, counts, strict=True):
        if kept and kept[-1][1] == 0 and count == 0:
            kept.pop()
        kept.append((end, count))
    singles = [(1, least), (2, most), (3, float(values.size)), (4, total), (5, squares)]
    fields = [(n, ("<d", x)) for n, x in singles if x != 0]  # a field that is 0 is not written
    packed = [struct.pack(f"<{len(kept)}d", *column) for column in zip(*kept, strict=True)]
    histo = message(*fields, (6, packed[0]), (7, packed[1]))
    return summary(message((1, tag.item()), (5, histo)))


# ---- images


@st.composite
def images(draw):
    batch, height, width = draw(st.integers(0, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shape = (batch, height, width, draw(st.sampled_from([1, 3, 4])))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    if draw(st.booleans()):
        tensor = rng.integers(0, 256, shape).astype(np.uint8)
    else:
        least = draw(st.sampled_from([0.0, -1.0]))
        tensor = rng.uniform(least, draw(st.sampled_from([0.0, 3.0])), shape).astype(np.float32)
        tensor[..., 0][rng.random(shape[:3]) < 0.1] = draw(st.sampled_from([np.nan, np.inf]))
    attrs = {"max_images": draw(st.integers(1, 3))}
    if draw(st.booleans()):
        attrs["bad_color"] = np.array([1, 2, 3, 4], np.uint8)
    return Sample([as_scalar(draw(TAGS)), tensor], attrs)


def stretched(image, color):
    if image.dtype == np.uint8:
        return image
    rows = image.reshape(-1, image.shape[-1])
    good = [row for row in rows if all(np.isfinite(row))]
    least = min((row.min() for row in good), default=np.float32(0))
    most = max((row.max() for row in good), default=np.float32(0))
    offset = np.float32(128 if least < 0 else 0)
    reach = max(-least, most) if least < 0 else most
    scale = np.float32(127 if least < 0 else 255) / reach if reach > 1e-6 else np.float32(0)
    result = [
        [int(item * scale + offset) for item in row] if all(np.isfinite(row)) else list(color)
        for row in rows
    ]
    return np.array(result, np.uint8).reshape(image.shape)


def image_summary(tag, tensor, max_images, bad_color=(255, 0, 0, 255)):
    values = []
    for i, image in enumerate(tensor[:max_images]):
        height, width, depth = image.shape
        pixels = stretched(image, [int(c) for c in bad_color[:depth]])
        file = io.BytesIO()
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[depth]
        Image.frombytes(mode, (width, height), pixels.tobytes()).save(file, "PNG")
        inside = message((1, height), (2, width), (3, depth), (4, file.getvalue()))
        end = b"/image" + (b"" if max_images == 1 else b"/%d" % i)
        values.append(message((1, tag.item() + end), (4, inside)))
    return summary(*values)


# ---- sounds


@st.composite
def sounds(draw):
    shape = [draw(st.integers(0, 3)), draw(st.integers(0, 4)), draw(st.integers(1, 2))]
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    tensor = rng.uniform(-1.2, 1.2, shape[: draw(st.integers(2, 3))]).astype(np.float32)
    rate = np.array(draw(st.sampled_from([8000.0, 44100.5])), np.float32)
    return Sample([as_scalar(draw(TAGS)), tensor, rate], {"max_outputs": draw(st.integers(1, 3))})


def audio_summary(tag, tensor, sample_rate, max_outputs):
    values = []
    for i, signal in enumerate(tensor[:max_outputs]):
        frames = len(signal)
        channels = signal.shape[1] if signal.ndim == 2 else 1
        data = b""
        for sample in signal.flat:
            scaled = float(sample) * 32768
            rounded = int(abs(scaled) + 0.5) * (1 if scaled > 0 else -1)
            data += struct.pack("<h", min(max(rounded, -32768), 32767))
        rate = round(float(sample_rate))
        form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
        body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data))
        wav = b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data
        inside = message(
            (1, ("<f", float(sample_rate))), (2, channels), (3, frames), (4, wav), (5, b"audio/wav")
        )
        end = b"/audio" + (b"" if max_outputs == 1 else b"/%d" % i)
        values.append(message((1, tag.item() + end), (6, inside)))
    return summary(*values)


# ---- tensors

NUMBERS = {"float32": 1, "int32": 3, "complex64": 8, "bool": 10}


@st.composite
def described_tensors(draw):
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    dtype = draw(st.sampled_from([*NUMBERS, "object"]))
    if dtype == "object":
        tensor = np.full(shape, draw(TAGS), object)
    else:
        tensor = np.asarray(rng.uniform(0, 3, shape)).astype(dtype)
    metadata = as_scalar(message((2, draw(TAGS))))
    return Sample([as_scalar(draw(TAGS)), tensor, metadata])


def tensor_summary(tag, tensor, serialized_summary_metadata):
    dims = message(*((2, message((1, dim))) for dim in tensor.shape))
    if tensor.dtype == object:
        written = message((1, 7), (2, dims), *((8, text) for text in tensor.flat))
    else:
        content = [(4, tensor.tobytes())] if tensor.size else []
        written = message((1, NUMBERS[tensor.dtype.name]), (2, dims), *content)
    metadata = serialized_summary_metadata.item()
    return summary(message((1, tag.item()), (8, written), (9, metadata)))


# ---- merging


@st.composite
def summaries(draw):
    values = [message((1, b"t%d" % i), (2, ("<f", 0.5))) for i in range(draw(st.integers(1, 6)))]
    inputs = []
    while values or not inputs:
        count = draw(st.integers(0, 2))
        taken, values = values[:count], values[count:]
        of_one = draw(st.booleans())
        array = np.empty((), object) if of_one else np.empty(len(taken), object)
        array[...] = summary(*taken).item() if of_one else [summary(v).item() for v in taken]
        inputs.append(array)
    return Sample([inputs])


def merged(inputs):
    return as_scalar(b"".join(data for array in inputs for data in array.flat))


case("ScalarSummary", tagged_numbers(), scalar_summary)
case("HistogramSummary", numbers(), histogram_summary)
case("ImageSummary", images(), image_summary)
case("AudioSummaryV2", sounds(), audio_summary)
case("TensorSummaryV2", described_tensors(), tensor_summary)
case("MergeSummary", summaries(), merged)
