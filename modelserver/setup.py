"""What pyproject.toml cannot say: the built-in model and its critic lie beside the package in a
clone, and in it in a wheel (ratchet_modelserver/built_in.py)."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = ("arithmetic", "arithmetic-critic")


class WithModels(build_py):
    def run(self) -> None:
        super().run()
        # An editable installation finds them in the clone.
        if self.editable_mode:
            return
        for name in MODELS:
            into = Path(self.build_lib, "ratchet_modelserver", "builtin", name)
            self.copy_tree(f"builtin/{name}", str(into))


setup(cmdclass={"build_py": WithModels})
