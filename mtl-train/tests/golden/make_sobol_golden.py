"""Makes sobol.json: the first points of scipy's Sobol sequence in 16 dimensions, not scrambled.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-train/tests/golden/make_sobol_golden.py
"""

import json
import pathlib
import platform

import numpy as np
import scipy
from scipy.stats import qmc

points = qmc.Sobol(16, scramble=False, bits=32).random(64)
out = {
    "made_with": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
    "points": points.tolist(),
}
path = pathlib.Path(__file__).with_name("sobol.json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
