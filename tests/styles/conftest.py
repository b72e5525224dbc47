from __future__ import annotations

from tests.fits.framework import IS_TF_KERAS

# tf_keras has the styles with several optimizers alone: the others are written in keras.ops.
collect_ignore = ["test_styles.py", "test_tuner.py", "test_loops.py"] if IS_TF_KERAS else []
