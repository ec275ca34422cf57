"""The model that is served where nobody names one."""

import sys

from ratchet_modelserver import built_in
from ratchet_modelserver.__main__ import arguments, split


def options(monkeypatch, *words: str):
    monkeypatch.setattr(sys, "argv", ["ratchet_modelserver", "--data", "d", *words])
    return arguments()


def test_the_built_in_model_and_its_critic_are_served_where_no_model_is_named(monkeypatch):
    default = options(monkeypatch, "--adapter", "mine=/m")
    assert (default.model, default.adapter) == ([built_in.MODEL], [built_in.CRITIC, "mine=/m"])
    name, folder = split("--model", built_in.MODEL)
    assert name == "arithmetic" and (folder / "model.safetensors").is_file()
    name, folder = split("--adapter", built_in.CRITIC)
    assert name == "arithmetic-critic" and (folder / "adapter_model.safetensors").is_file()


def test_whoever_names_a_model_gets_that_alone(monkeypatch):
    named = options(monkeypatch, "--model", "tiny=/t")
    assert (named.model, named.adapter) == (["tiny=/t"], [])
