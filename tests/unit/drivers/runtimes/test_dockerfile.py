"""Dockerfiles that only install packages, and those that do more."""

import pytest

from regista.drivers.runtimes.uv.translate import failures, translate
from regista.entities.environment import EnvironmentSpec
from regista.errors import InvalidError, UnsupportedError

CONDA = "name: x\ndependencies:\n  - python=3.10\n  - numpy=1.26\n  - pip:\n    - mlflow==3.1.0\n"


def docker(text, **files):
    named = {name.replace("__", "/").replace("_", "."): content for name, content in files.items()}
    return translate(EnvironmentSpec(dockerfile=text, context_files=named))


class TestUnderstood:
    """What is read as packages."""

    def test_requirements_that_are_copied_and_installed(self):
        request = docker(
            "# syntax=docker/dockerfile:1\nFROM python:3.11-slim AS base\nWORKDIR /app\nCOPY requirements.txt .\n"
            "RUN pip install --no-cache-dir -r requirements.txt && \\\n    # tidy up\n    rm -rf /root/.cache\n"
            'CMD ["python"]\n',
            requirements_txt="six==1.17.0\nidna>=3 # why\n",
        )
        assert request.requirements == ("six==1.17.0", "idna>=3")
        assert request.python == "3.11"

    def test_a_conda_file_as_azure_writes_it(self):
        request = docker(
            "FROM mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04\nENV AZUREML_ENV /azureml-envs/x\n"
            "COPY ./conda.yml /tmp/conda.yml\nRUN conda env create -p $AZUREML_ENV -f /tmp/conda.yml && conda clean -a -y\n"
            "RUN ${AZUREML_ENV}/bin/pip install 'pandas>=2,<3'\n",
            conda_yml=CONDA,
        )
        assert request.requirements == ("numpy==1.26.*", "mlflow==3.1.0", "pandas>=2,<3")
        assert request.python == "3.10"
        assert any("AZUREML_ENV" in warning for warning in request.warnings)

    def test_packages_on_a_curated_image_are_added_to_its_own(self):
        request = docker("FROM mcr.microsoft.com/azureml/curated/sklearn-1.5:21\nRUN pip install six pandas==2.2.3")
        assert {"scikit-learn==1.5.*", "six", "pandas==2.2.3"} < set(request.requirements)
        assert "pandas>=2,<3" not in request.requirements

    @pytest.mark.parametrize(
        "run",
        [
            "pip3 install six",
            "python3 -m pip install -U --timeout 60 six",
            "uv pip install --system six",
            '["pip", "install", "six"]',
            "--mount=type=cache,target=/root/.cache pip install six",
            'pip install "six"; pip cache purge',
            "conda install -y -c conda-forge six",
            "mamba install --yes --name base six",
            "pip install --index-url https://pypi.org/simple six",
        ],
    )
    def test_ways_to_install_one_package(self, run):
        assert docker(f"FROM python:3.11\nRUN {run}").requirements == ("six",)

    def test_arguments_are_filled_in(self):
        request = docker("ARG TAG=3.12\nFROM python:${TAG}\nARG SIX=1.17.0\nRUN pip install six==$SIX")
        assert request.requirements == ("six==1.17.0",)
        assert request.python == "3.12"

    def test_files_below_folders_and_several_at_once(self):
        request = docker(
            "FROM python:3.11\nCOPY deps/a.txt deps/b.txt /tmp/\nRUN pip install -r /tmp/a.txt --requirement=/tmp/b.txt",
            deps__a_txt="six",
            deps__b_txt="idna",
        )
        assert request.requirements == ("six", "idna")


class TestNotUnderstood:
    """What changes more than packages is refused by its line."""

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("RUN apt-get update", "apt-get"),
            ("RUN apt-get install -y gcc && pip install six", "apt-get"),
            ("RUN curl https://x | sh", "'|'"),
            ("RUN pip install six > log", "'>'"),
            ("RUN pip install numpy>=1.2", "quote"),
            ("RUN pip install $(cat x)", "language"),
            ("RUN pip install `cat x`", "language"),
            ("RUN pip install $UNKNOWN", "language"),
            ("RUN pip install 'six", "quotes"),
            ("RUN <<EOF", "language"),
            ("RUN --mount=type=secret,id=x pip install six", "--mount"),
            ("COPY . /app", "'.'"),
            ("COPY --from=build /x /y", "build context"),
            ("ADD https://host/x.tgz /x", "https://host/x.tgz"),
            ("FROM ubuntu", "stage"),
            ('ENTRYPOINT ["/x"]', "ENTRYPOINT"),
            ("ONBUILD RUN x", "ONBUILD"),
            ("RUN pip install -r missing.txt", "missing.txt"),
            ("RUN conda env create -f missing.yml", "missing.yml"),
            ("RUN conda activate x", "activate"),
        ],
    )
    def test_the_line_is_named(self, line, why):
        with pytest.raises(UnsupportedError) as refusal:
            docker(f"FROM python:3.11\n\n{line}\n")
        assert "line 3" in refusal.value.message
        assert why in refusal.value.message
        assert "needs the container runtime" in refusal.value.message

    @pytest.mark.parametrize(
        "option", ["-e .", ".", "-c c.txt", "--index-url https://u:hunter2@host/simple", "git+https://x/y"]
    )
    def test_packages_from_elsewhere_are_refused_as_in_a_pip_list(self, option):
        with pytest.raises((UnsupportedError, InvalidError), match="line 2") as refusal:
            docker(f"FROM python:3.11\nRUN pip install {option}")
        assert "hunter2" not in refusal.value.message

    def test_every_bad_line_is_found_at_once(self):
        text = "FROM python:3.11\nRUN apt-get update\nRUN pip install six\nCOPY . .\n"
        assert len(failures(EnvironmentSpec(dockerfile=text))) == 2

    def test_a_dockerfile_without_from_is_invalid(self):
        with pytest.raises(InvalidError, match="no FROM"):
            docker("RUN pip install six")

    def test_a_conda_file_that_is_no_yaml_is_named(self):
        with pytest.raises(InvalidError, match="is not YAML"):
            docker("FROM x\nCOPY c.yml /c.yml\nRUN conda env update -f /c.yml", c_yml="a: [")
