"""
What both scripts take from `ratchet report --json`: numbers by step, as MLflow gets them too
(app/tracking/numbers.ts).
"""

ROLES = ("target", "guard")
NUMBERS = {
    "pValue": "p_value",
    "agreement": "agreement",
    "prompts": "prompts",
    "samples": "samples",
    "accepted": "accepted",
    "examples": "examples",
    "pseudoLabelPrecision": "pseudo_label_precision",
    "seconds": "seconds",
    "promptTokens": "tokens/prompt",
    "completionTokens": "tokens/completion",
    "trainedTokens": "tokens/trained",
    "cost": "cost",
}


def _rates(of: dict | None, roles: tuple[str, ...]) -> list[tuple[str, float]]:
    return [(f"score/{role}", of[role]["rate"]) for role in roles if of and of.get(role)]


def points(report: dict) -> list[tuple[str, int, float]]:
    """Name, step and value, in the order of steps. An iteration that is not decided yet is left out."""
    found = [(name, 0, rate) for name, rate in _rates(report["base"], ROLES)]
    if report["finishedAt"]:
        found += [(name, 0, rate) for name, rate in _rates(report["base"], ("final",))]
    decided = [one for one in report["iterations"] if one["decision"]]
    for one in decided:
        step = one["iteration"]
        found += [(name, step, rate) for name, rate in _rates(one, ROLES)]
        found += [(name, step, one[field]) for field, name in NUMBERS.items() if one.get(field) is not None]
        found.append(("promoted", step, float(one["decision"] == "promote")))
    if report["finishedAt"]:
        last = max([1, *(one["iteration"] for one in decided)])
        found += [(name, last, rate) for name, rate in _rates(report["best"], ("final",))]
    return found


def settings_of(report: dict) -> dict:
    return {name: report[name] for name in ("run", "task", "experiment", "startedAt", "finishedAt", "status")}
