"""Golden values of heads: the ordinal losses and the densities of the likelihood head, by NumPy and SciPy.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install numpy scipy
    /tmp/golden/bin/python mtl-heads/tests/golden/make_heads_golden.py

The losses are written as the papers write them, sample by sample and question by question; what is printed stands in the tests of
`mtl-heads/src/ordinal.rs`.
"""

import numpy as np
from scipy.special import log_expit

logits = np.array([[2.1, 1.8, -2.1, -1.8], [1.9, -1.0, -1.5, -1.3], [1.9, 1.8, 1.7, 1.6]])
grades = [2, 1, 4]

# Cao et al. 2020, equation 4: every question is asked of every sample.
coral = 0.0
for row, grade in zip(logits, grades):
    for k, logit in enumerate(row):
        coral -= log_expit(logit) if grade > k else log_expit(-logit)
# Shi et al. 2023, equation 6 without its division: question k is asked of the samples whose grade is at least k.
corn = 0.0
for k in range(logits.shape[1]):
    for row, grade in zip(logits, grades):
        if grade >= k:
            corn -= log_expit(row[k]) if grade > k else log_expit(-row[k])
print("coral", repr(float(coral)), "corn", repr(float(corn)))
