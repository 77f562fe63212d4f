"""What an author writes, and what is asked of the package index for it."""

import pytest
from hypothesis import example, given, strategies as st

from regista.drivers.runtimes.uv.draft import Draft
from regista.drivers.runtimes.uv.requirement import add_pip_lines
from regista.drivers.runtimes.uv.translate import failures, translate
from regista.entities.environment import EnvironmentSpec
from regista.errors import InvalidError, RegistaError, UnsupportedError


def conda(*dependencies, **keys):
    return translate(EnvironmentSpec(conda={"dependencies": list(dependencies), **keys}))


def pip(*lines):
    return translate(EnvironmentSpec(pip=lines)).requirements


class TestConda:
    """Conda files."""

    @pytest.mark.parametrize(
        ("written", "asked"),
        [
            ("numpy", "numpy"),
            ("numpy=1.26", "numpy==1.26.*"),
            ("numpy=1.26.4", "numpy==1.26.4.*"),
            ("numpy==1.26.4", "numpy==1.26.4"),
            ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4"),
            ("numpy==1.26.4=py311h64a7726_0", "numpy==1.26.4"),
            ("numpy 1.26.4 py311h64a7726_0", "numpy==1.26.4"),
            ("numpy 1.26.*", "numpy==1.26.*"),
            ("numpy=1.26.*", "numpy==1.26.*"),
            ("numpy=1.26*", "numpy==1.26.*"),
            ("numpy>=1.26,<3", "numpy>=1.26,<3"),
            ("numpy >=1.26.*, <3", "numpy>=1.26,<3"),
            ("numpy!=1.26.1", "numpy!=1.26.1"),
            ("numpy~=1.26.1", "numpy~=1.26.1"),
            ("numpy=2.0rc1", "numpy==2.0rc1"),
            ("numpy=*", "numpy"),
            ("numpy *", "numpy"),
            ("numpy[version='>=1.26,<3']", "numpy>=1.26,<3"),
            ("numpy[version=1.26.4,build=py311_0]", "numpy==1.26.4"),
            ("conda-forge::numpy=1.26", "numpy==1.26.*"),
            ("conda-forge/linux-64::numpy=1.26", "numpy==1.26.*"),
            ("https://conda.example.org/main::numpy", "numpy"),
            ("pytorch=2.3", "torch==2.3.*"),
            ("opencv", "opencv-python-headless"),
            ("py-opencv", "opencv-python-headless"),
            ("msgpack-python", "msgpack"),
            ("PyTables>=3.9", "tables>=3.9"),
            ("python-graphviz", "graphviz"),
            ("dask-core", "dask"),
            ("py-xgboost=2.0", "xgboost==2.0.*"),
            ("lightgbm", "lightgbm"),
            ("scikit-learn=1.5", "scikit-learn==1.5.*"),
            ("ray-default=2.9", "ray[default]==2.9.*"),
            ("librosa", "librosa"),
        ],
    )
    def test_a_package_is_asked_for_in_the_words_of_pypi(self, written, asked):
        assert conda(written).requirements == (asked,)

    @pytest.mark.parametrize(
        ("written", "python"),
        [
            ("python", None),
            ("python=3.11", "3.11"),
            ("python=3.11.*", "3.11"),
            ("python==3.11.7", "3.11.7"),
            ("python 3.10", "3.10"),
            ("python=3.11.7=h955ad1f_0", "3.11.7"),
            ("python>=3.9,<3.12", ">=3.9,<3.12"),
            ("conda-forge::python=3.9", "3.9"),
        ],
    )
    def test_the_python_is_a_wish_and_no_package(self, written, python):
        request = conda(written, "pip", "pip=24.0")
        assert (request.python, request.requirements, request.warnings) == (python, (), ())

    @pytest.mark.parametrize(
        "name",
        ["cudatoolkit=11.8", "libgcc-ng", "_libgcc_mutex=0.1=main", "openmpi", "nodejs", "mkl", "graphviz", "zlib",
         "gcc_linux-64", "pytorch-cuda=12.1", "r-base", "ld_impl_linux-64", "tzdata=2024a", "nvidia::cuda-runtime"],
    )  # fmt: skip
    def test_what_is_no_python_package_is_left_out_and_said(self, name):
        request = conda("six", name)
        assert request.requirements == ("six",)
        assert len(request.warnings) == 1
        assert repr(name) in request.warnings[0]

    def test_the_pip_block_is_kept_as_it_is(self):
        lines = ["mlflow==3.1.0", "pandas[parquet]>=2,<3", "uvloop ; sys_platform != 'win32'"]
        assert conda("python=3.11", {"pip": lines}).requirements == tuple(lines)

    @pytest.mark.parametrize(
        "wrong",
        [
            [], "six", 5, {"dependencies": "six"}, {"dependencies": {"six": None}}, {"dependencies": [None]},
            {"dependencies": [["six"]]}, {"dependencies": [{"pip": "six"}]}, {"dependencies": [{"pip": [1.5]}]},
            {"dependencies": [{"npm": ["x"]}]}, {"dependencies": [3.11]}, {"dependencies": ["numpy=1.2|1.3"]},
            {"dependencies": ["numpy>>1"]}, {"dependencies": ["num py=1=2=3"]}, {"dependencies": ["-r x"]},
            {"dependencies": ["../x"]}, {"dependencies": [""]}, {"dependencies": ["numpy=1,=="]},
        ],
    )  # fmt: skip
    def test_wrong_types_and_lines_are_named(self, wrong):
        with pytest.raises(InvalidError) as refusal:
            translate(EnvironmentSpec(conda=wrong))
        assert "conda file" in refusal.value.message
        assert refusal.value.hint

    def test_every_wrong_line_is_found_at_once(self):
        spec = EnvironmentSpec(conda={"dependencies": [1, "numpy>>1", {"pip": ["-e .", "six"]}]}, pip=("a b",))
        assert len(failures(spec)) == 4

    def test_a_long_line_takes_no_time(self):
        for line in ("a" * 1_000_000, "a " + " " * 200_000 + "!", "a" + "==1," * 100_000, "[" * 50_000):
            assert failures(EnvironmentSpec(pip=(line,), conda={"dependencies": [line]}))


class TestPip:
    """Requirement lines."""

    def test_comments_empty_lines_and_continuations_are_read_as_pip_does(self):
        digest = "--hash=sha256:" + "0" * 64
        assert pip("# all", "", "six==1.17.0 \\", f"    {digest}", "idna  # why", "x>=1,  <2") == (
            f"six==1.17.0 {digest}",
            "idna",
            "x>=1, <2",
        )

    @pytest.mark.parametrize(
        "line", ["--no-cache-dir", "--upgrade", "--prefer-binary", "-i https://pypi.org/simple", "--pre", "pip>=23"]
    )
    def test_harmless_options_are_passed_over(self, line):
        assert pip(line, "six") == ("six",)

    @pytest.mark.parametrize(
        "line",
        [
            "-r other.txt", "-r/etc/passwd", "--requirement=/etc/passwd", "-c c.txt", "-e .", "--index-url=http://evil/simple",
            "--extra-index-url https://u:hunter2@host/simple", "-f /tmp", "--no-index", "--config-settings x",
            "git+https://hunter2@github.com/x/y", "y @ git+ssh://git@host/y", "./wheel.whl", "/tmp/x", "~/x", "x.tar.gz",
            "file:///etc/passwd", "x @ file:///etc/passwd", "https://host/x.zip", "x @ http://host/x.whl",
            "x @ https://u:hunter2@host/x.whl", "x @ https://host/x.whl?sig=hunter2", "x @ https://host/${TOKEN}.whl",
            "six==${TOKEN}", "six six", "six -r /etc/passwd", "x.whl", "six==1.0\n-r /etc/passwd", "Ω==1", "six==",
        ],
    )  # fmt: skip
    def test_what_reaches_beyond_the_index_is_refused_without_repeating_a_secret(self, line):
        with pytest.raises((InvalidError, UnsupportedError)) as refusal:
            pip(line)
        assert "hunter2" not in refusal.value.message
        assert refusal.value.hint

    def test_a_wheel_at_an_https_address_is_taken(self):
        line = "en-core-web-sm @ https://host.example/releases/en_core_web_sm-3.7.0-py3-none-any.whl"
        assert pip(line) == (line,)


class TestImages:
    """Images, alone and below packages."""

    def test_an_image_below_a_conda_file_is_said_to_be_unused(self):
        request = translate(EnvironmentSpec(image="python:3.12", conda={"dependencies": ["six"]}))
        assert request.requirements == ("six",)
        assert "is not used by the uv runtime" in request.warnings[0]

    def test_a_python_image_below_pip_lines_says_which_python(self):
        assert translate(EnvironmentSpec(image="docker.io/library/python:3.12-slim", pip=("six",))).python == "3.12"

    def test_an_image_alone_needs_the_container_runtime(self):
        with pytest.raises(UnsupportedError, match="needs the container runtime"):
            translate(EnvironmentSpec(image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"))

    @pytest.mark.parametrize(
        ("image", "python"),
        [
            ("python", None), ("library/python:latest", None), ("docker.io/library/python:slim", None), ("python:3", None),
            ("python:3.11", "3.11"), ("python:3.12-slim-bookworm", "3.12"), ("docker.io/python:3.11.6", "3.11.6"),
        ],
    )  # fmt: skip
    def test_dockers_own_image_of_python_is_that_python_and_nothing_else(self, image, python):
        request = translate(EnvironmentSpec(image=image))
        assert (request.requirements, request.python) == ((), python)
        assert "is not used by the uv runtime" in request.warnings[0]

    @pytest.mark.parametrize(
        "image", ["acme/python:3.11", "host.example/python:3.11", "python:onbuild", "pythonic:3.11"]
    )
    def test_an_image_that_is_only_called_python_is_not_guessed(self, image):
        with pytest.raises(UnsupportedError, match="needs the container runtime"):
            translate(EnvironmentSpec(image=image))

    def test_a_curated_image_alone_is_its_packages(self):
        request = translate(EnvironmentSpec(image="mcr.microsoft.com/azureml/curated/sklearn-1.5:21"))
        assert "scikit-learn==1.5.*" in request.requirements

    def test_pip_lines_replace_those_of_a_curated_image(self):
        request = translate(EnvironmentSpec(image="sklearn-1.5", pip=("Scikit_Learn==1.5.1",)))
        named = [line for line in request.requirements if "learn" in line.lower()]
        assert named == ["Scikit_Learn==1.5.1"]


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
WORDS = st.text(alphabet="ab1.=<>!~*|,:[]'\"@#-_/\\ ;${}\n", max_size=25) | st.sampled_from(
    ["pip", "python", "numpy=1.2"]
)
TREES = st.recursive(
    LEAVES | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["dependencies", "pip", "channels", "name"]) | st.text(max_size=4), inner, max_size=3
        )
    ),
    max_leaves=12,
)


class TestAnything:
    """Whatever is written gives a request or an error of ours."""

    @given(TREES | st.fixed_dictionaries({"dependencies": st.lists(WORDS | st.fixed_dictionaries({"pip": TREES}))}))
    @example({"dependencies": [{"pip": ["a \\", "-r x"]}]})
    def test_any_conda_file(self, tree):
        self._closed(EnvironmentSpec(conda=tree))

    @given(st.lists(WORDS | st.text(max_size=30), max_size=5))
    def test_any_pip_lines(self, lines):
        self._closed(EnvironmentSpec(pip=tuple(lines)))

    @given(
        st.lists(
            st.tuples(st.sampled_from(["FROM", "RUN", "COPY", "ENV", "ARG", "WORKDIR", "run pip install", "#"]), WORDS)
        )
    )
    def test_any_dockerfile(self, lines):
        text = "\n".join(f"{keyword} {rest}" for keyword, rest in lines)
        self._closed(EnvironmentSpec(dockerfile=text, context_files={"a": "six", "b/a": "- x"}))

    def _closed(self, spec):
        """What is passed on is what would be taken again: one requirement a line, no option, no variable."""
        try:
            request = translate(spec)
        except RegistaError:
            assert all(failure.message and failure.hint for failure in failures(spec))
            return
        again = Draft()
        add_pip_lines(again, request.requirements, "again")
        assert again.request().requirements == request.requirements
        assert all(line.isascii() and line[0].isalnum() and "${" not in line for line in request.requirements)
