"""Conda's names in PyPI's words, and the conda packages that are no Python packages at all.

Only names that differ are listed; any other name is taken as it is, since PyPI treats ``-``, ``_``, ``.`` and case alike.
"""

import re
from fnmatch import fnmatchcase

PYPI_NAMES: dict[str, str] = {
    "airflow": "apache-airflow",
    "brotli-python": "brotli",
    "dask-core": "dask",
    "docker-py": "docker",
    "faiss": "faiss-cpu",
    "h2o-py": "h2o",
    "h3-py": "h3",
    "keras-base": "keras",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "psycopg2": "psycopg2-binary",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pyg": "torch-geometric",
    "pyqt": "pyqt5",
    "pysoundfile": "soundfile",
    "pytables": "tables",
    "python-annoy": "annoy",
    "python-blosc": "blosc",
    "python-build": "build",
    "python-duckdb": "duckdb",
    "python-fastjsonschema": "fastjsonschema",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kubernetes": "kubernetes",
    "python-sounddevice": "sounddevice",
    "python-wget": "wget",
    "python-xxhash": "xxhash",
    "python-zstd": "zstd",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-geometric": "torch-geometric",
    "pytorch-gpu": "torch",
    "ray-core": "ray",
    "ray-default": "ray[default]",
    "ray-serve": "ray[serve]",
    "ray-tune": "ray[tune]",
    "redis-py": "redis",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tiledb-py": "tiledb",
    "xgboost-cpu": "xgboost",
}

_TOOLS = frozenset({"pip", "conda", "mamba", "conda-libmamba-solver", "nb-conda", "nb-conda-kernels"})

_NO_PYTHON_PACKAGE = (
    "-*",  # conda's own mutex packages: _libgcc_mutex, _openmp_mutex
    "lib*",
    "r-*",
    "aws-c-*",
    "aws-crt-cpp",
    "aws-sdk-cpp",
    "arrow-cpp",
    "binutils*",
    "blas*",
    "blosc",
    "bzip2",
    "c-ares",
    "c-compiler",
    "ca-certificates",
    "compilers",
    "cpuonly",
    "cuda",
    "cuda-*",
    "cudatoolkit*",
    "cudnn",
    "curl",
    "cxx-compiler",
    "expat",
    "ffmpeg",
    "font-*",
    "fontconfig",
    "fonts-*",
    "freetype",
    "gcc*",
    "geos",
    "gettext",
    "gflags",
    "gfortran*",
    "giflib",
    "git",
    "git-lfs",
    "glib",
    "glog",
    "gmp",
    "graphviz",
    "gxx*",
    "hdf5",
    "icu",
    "intel-openmp",
    "jpeg",
    "kernel-headers*",
    "krb5",
    "lcms2",
    "ld-impl-*",
    "lerc",
    "llvm-openmp",
    "lz4-c",
    "make",
    "mkl*",
    "mpc",
    "mpfr",
    "mpi",
    "mpich",
    "nccl",
    "ncurses",
    "nodejs",
    "nomkl",
    "openblas*",
    "openjdk",
    "openjpeg",
    "openmpi",
    "openssl",
    "orc",
    "pandoc",
    "pcre*",
    "perl",
    "pixman",
    "pkg-config",
    "proj",
    "python-abi",
    "pytorch-cuda",
    "pytorch-mutex",
    "qt*-main",
    "re2",
    "readline",
    "snappy",
    "sqlite",
    "sysroot*",
    "tbb",
    "tk",
    "tzdata",
    "unixodbc",
    "wget",
    "xorg-*",
    "xz",
    "yaml",
    "zeromq",
    "zlib",
    "zstd",
)

_PYTHON_PACKAGE_ALL_THE_SAME = frozenset({"libclang", "libcst", "librosa", "libsass", "libtmux"})


def normal_name(name: str) -> str:
    """The one spelling of a name that PyPI compares by (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_tool(conda_name: str) -> bool:
    """Whether the package is an installer, which an environment does not need here."""
    return normal_name(conda_name) in _TOOLS


def is_python_package(conda_name: str) -> bool:
    """Whether PyPI can be expected to have it: false for compilers, drivers, C libraries and programs."""
    name = normal_name(conda_name)
    if name in _PYTHON_PACKAGE_ALL_THE_SAME:
        return True
    return not any(fnmatchcase(name, pattern) for pattern in _NO_PYTHON_PACKAGE)


def pypi_name(conda_name: str) -> str:
    """PyPI's name for a conda package, with extras where the conda package stands for some."""
    return PYPI_NAMES.get(normal_name(conda_name), conda_name)
