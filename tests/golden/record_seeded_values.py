"""Records in seeded_values.npz the values that TensorFlow gives to tests/ops/seeded_values.py.

    python tests/golden/record_seeded_values.py

needs `tensorflow` (the parity extra). Each entry holds two runs of one session.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

from tests.ops.seeded_values import SEEDED  # noqa: E402


def main() -> None:
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    recorded = {}
    for name, build in SEEDED.items():
        with tf.Graph().as_default():
            result = build(tf)
            # One thread, so that multinomial gives all rows to one shard.
            with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=1)) as sess:
                recorded[name] = np.stack([sess.run(result) for _ in range(2)])
    np.savez_compressed(HERE / "seeded_values.npz", **recorded)


if __name__ == "__main__":
    main()
