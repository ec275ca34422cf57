"""Judges one fix of a repository, in a container of its own: runs its tests with and without what a model wrote.

Standard input: one line of JSON (`CheckInput` in ../job.ts). Standard output: one line with the token and the verdict.
"""

import ctypes
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import xml.etree.ElementTree as ElementTree

ARCHIVE = "/task/archive.tar"
REPOSITORY = "/work/repository"
REPORT = "/work/report"
RUNS = 3
BEGAN = time.monotonic()
SHOWN = 1500
SHOWN_TESTS = 20

# What runs as the same user can't read the token out of this process.
PR_SET_DUMPABLE = 4
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)


class Refused(Exception):
    """Why a fix does not hold: a word of ../../../sandbox/finding.ts, the reason in full, and the details."""


class Ran:
    """How a command ended: `code` is None where it was stopped for its time."""

    def __init__(self, code, output):
        self.code = code
        self.output = output


def run(command, seconds):
    """Runs a command in the repository, and ends whatever it leaves behind."""
    with open("/work/output", "w+b") as output:
        try:
            child = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A set is in the same order in every run.
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )
        except OSError as error:
            return Ran(127, f"{command[0]} can't be started: {error.strerror}")
        try:
            code = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        end_all()
        child.wait()
        size = output.seek(0, os.SEEK_END)
        output.seek(max(0, size - 4 * SHOWN))
        return Ran(code, output.read().decode("utf-8", "replace")[-SHOWN:])


def end_all():
    """Kills every process of the container but this one and its first, however fast they fork."""
    for _ in range(100):
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if not others():
            return
        time.sleep(0.01)


def others():
    """Processes of the container beside this one and its first, those that ended and nobody waited for aside."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and name not in ("1", str(os.getpid())):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    if file.read().rsplit(")", 1)[1].split()[0] != "Z":
                        found.append(name)
            except OSError:
                pass
    return found


def lay_out(files):
    """A fresh copy of the repository with these files in place of its own, and no report of what ran before."""
    shutil.rmtree(REPOSITORY, ignore_errors=True)
    if os.path.exists(REPORT):
        os.remove(REPORT)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(REPOSITORY)
    for path, text in files.items():
        at = os.path.join(REPOSITORY, path)
        os.makedirs(os.path.dirname(at), exist_ok=True)
        with open(at, "w", encoding="utf-8", newline="") as file:
            file.write(text)


def run_tests(job, files):
    """Runs all tests: by name None where it passed, else what it said; and how the runner ended."""
    lay_out(files)
    ran = run(job["tests"]["command"], job["seconds"])
    return read_report(job["tests"]["report"], ran), ran


def read_report(kind, ran):
    try:
        if kind == "json":
            with open(REPORT, encoding="utf-8") as file:
                return dict(json.load(file))
        with open(REPORT, encoding="utf-8") as file:
            return junit(ElementTree.parse(file).getroot(), [])
    except (OSError, ValueError, AttributeError, ElementTree.ParseError):
        return {}


def junit(element, suites):
    """Outcomes by name: of a class and a test or, where the runner knows no classes, of nested suites and a test."""
    results = {}
    for child in element:
        if child.tag == "testsuite":
            results.update(junit(child, [*suites, child.get("name", "")]))
        elif child.tag == "testcase":
            of = child.get("classname", "")
            parts = suites if of in ("", "test") else [of]
            bad = next((one for one in child if one.tag in ("failure", "error", "skipped")), None)
            said = None
            if bad is not None:
                said = (bad.get("message") or bad.text or "").strip()[:300] or bad.tag
                if bad.tag == "skipped":
                    said = f"skipped: {said}"
            results[" > ".join([*parts, child.get("name", "")])] = said
    return results


def failures(job, results, ran):
    """Tests that had to pass and did not, with what they said."""
    failed = {}
    for name in [*job["must"], *job["keep"]]:
        if name not in results:
            failed[name] = "out of time" if ran.code is None else "was not run"
        elif results[name] is not None:
            failed[name] = results[name]
    return failed


def said_of(failed, job):
    name, message = next(iter(failed.items()))
    count = len(job["must"]) + len(job["keep"])
    message = " ".join(message.split())
    return f"{count - len(failed)} of {count} tests pass; {name}: {message}"


def probe(job, files):
    """What the function gives for each probe, as text; a probe without an answer gives "no answer"."""
    if not job["probes"]:
        return []
    lay_out(files)
    with open("/work/probes.json", "w", encoding="utf-8") as file:
        json.dump({**job["function"], "calls": job["probes"]}, file)
    python = job["function"]["language"] == "python"
    program = [sys.executable, "/task/probe.py"] if python else ["node", "--no-warnings", "/task/probe.mjs"]
    run(program, job["seconds"])
    values = {}
    try:
        with open(REPORT, encoding="utf-8") as file:
            for line in file:
                number, value = json.loads(line)
                values[number] = str(value)[:500]
    except (OSError, ValueError, TypeError):
        pass
    return [values.get(number, "no answer") for number in range(len(job["probes"]))]


def idea_values(job, files, ideas):
    """For each test idea what its call and its expectation give with these files."""
    calls = [text for idea in ideas for text in (idea["call"], idea["expected"])]
    values = probe({**job, "probes": calls}, files)
    return list(zip(values[0::2], values[1::2], strict=True))


def holds(values):
    call, expected = values
    return call == expected and "no answer" not in values and not call.startswith("raises ")


def judge(job):
    details = {"tests": {}, "mutants": [], "ideas": []}
    fixed = job["files"]
    if job.get("lint"):
        lay_out(fixed)
        ran = run(job["lint"], job["seconds"])
        details["lint"] = ran.output
        if ran.code != 0:
            raise Refused("lint", f"lint: {' '.join(ran.output.split())[-300:] or 'failed'}", details)
    results, ran = run_tests(job, fixed)
    failed = failures(job, results, ran)
    passed = len(job["must"]) + len(job["keep"]) - len(failed)
    details["tests"] = {"passed": passed, "failed": dict(list(failed.items())[:SHOWN_TESTS])}
    details["output"] = ran.output
    if failed:
        raise Refused("tests-fail", said_of(failed, job), details)
    if ran.code != 0:
        reason = f"all tests say that they pass, and the runner ended with {ran.code}"
        raise Refused("tests-fail", reason, details)
    for again in range(1, RUNS):
        other = failures(job, *run_tests(job, fixed))
        if other:
            reason = f"flaky: run {again + 1} of {RUNS} differs: {said_of(other, job)}"
            raise Refused("flaky", reason, details)
    refuse_contradiction(job, details)
    values = probe(job, fixed)
    stale = job["stale"] or values
    details["probes"] = [list(row) for row in zip(job["probes"], stale, values, strict=True)][:20]
    if job["literals"] and job["stale"] and values == job["stale"]:
        raise Refused(
            "hard-coded",
            f"hard-coded: it writes down {job['literals']} of the tests and does as before "
            f"on all {len(values)} other calls",
            details,
        )
    for call, value, expected in zip(job["probes"], values, job.get("sound", values), strict=True):
        if value != expected:
            said = f"{call} gives {value}, and gave {expected} before the bug was planted"
            raise Refused("differs", f"the tests pass and yet {said}", details)
    ideas = judge_ideas(job, details)
    strength = judge_mutants(job, ideas, details)
    if not job["must"] and not job["reported"] and not any(entry["counts"] for entry in details["ideas"]):
        raise Refused(
            "weak-tests",
            "no test fails without the fix, and no test idea that counts: nothing shows that it mends anything",
            details,
        )
    said = f"{len(job['must']) + len(job['keep'])} tests pass"
    judged = details["mutants"]
    digest = hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]
    return {
        "ok": True,
        "finding": "holds",
        "score": strength,
        "reason": said + (f", and catch {strength:.0%} of {len(details['mutants'])} mutants" if judged else ""),
        "behaviour": said + (f"; {len(values)} probes give {digest}" if values else ""),
        "details": details,
    }


def refuse_contradiction(job, details):
    """What the tests assert must hold outside of them too, where nothing that a fix does to their runner counts."""
    for asserted, values in zip(
        job["asserted"], idea_values(job, job["files"], job["asserted"]), strict=True
    ):
        if not holds(values):
            said = f"{asserted['call']} gives {values[0]}, not {values[1]}"
            raise Refused("tests-alone", f"the tests pass and yet, outside of them, {said}", details)


def judge_ideas(job, details):
    """Test ideas that fail before the fix and pass after it."""
    ideas = job["ideas"]
    if not ideas:
        return []
    before = [holds(values) for values in idea_values(job, {job["function"]["path"]: job["before"]}, ideas)]
    after = [holds(values) for values in idea_values(job, job["files"], ideas)]
    useful = []
    for idea, was, now in zip(ideas, before, after, strict=True):
        why = "fails with the fix" if not now else "passes without the fix" if was else ""
        details["ideas"].append({**idea, "counts": not why, "why": why})
        if not why:
            useful.append(idea)
    return useful


def judge_mutants(job, ideas, details):
    """The share of mutants of the fixed lines that the tests, or test ideas that count, catch."""
    path = job["function"]["path"]
    catching = set()
    for mutant in job["mutants"]:
        # A slow suite is judged by as many as there is time for.
        if time.monotonic() - BEGAN > job["limit"] - 3 * job["seconds"]:
            break
        files = {**job["files"], path: job["fixed"]["prefix"] + mutant["text"] + job["fixed"]["suffix"]}
        results, ran = run_tests(job, files)
        by = "tests" if failures(job, results, ran) else ""
        if ideas:
            for at, values in enumerate(idea_values(job, files, ideas)):
                if not holds(values):
                    catching.add(at)
                    by = by or "an idea"
        details["mutants"].append({"what": mutant["what"], "caught": by})
    if details["mutants"]:
        counted = [entry for entry in details["ideas"] if entry["counts"]]
        for at, entry in enumerate(counted):
            if at not in catching:
                entry["counts"] = False
                entry["why"] = "catches no mutant of the fix"
    judged = len(details["mutants"])
    if not judged:
        return 1.0
    caught = sum(1 for mutant in details["mutants"] if mutant["caught"])
    share = caught / judged
    if share < job["strength"]:
        alive = next(mutant["what"] for mutant in details["mutants"] if not mutant["caught"])
        raise Refused(
            "weak-tests",
            f"weak tests: they catch {caught} of {judged} mutants of the fix, not {alive}; "
            f"{job['strength']:.0%} are asked for, so more test ideas are needed",
            details,
        )
    return share


def survey(job):
    """The bug maker's question: which tests fail with a text of the file (None: as it is), and what probes give."""
    files = {} if job["text"] is None else {job["function"]["path"]: job["text"]}
    results, ran = run_tests(job, files)
    found = {"tests": results, "ended": ran.code, "output": ran.output, "probes": probe(job, files)}
    if job.get("lint"):
        lay_out(files)
        ran = run(job["lint"], job["seconds"])
        found["lint"] = {"code": ran.code, "output": ran.output}
    return {"ok": True, "reason": "surveyed", "details": found}


def composed(job):
    """The fixed file was sent in three pieces, so that its mutants need not be sent whole."""
    fixed = job["fixed"]
    text = fixed["prefix"] + fixed["text"] + fixed["suffix"]
    return {**job, "files": {job["function"]["path"]: text}}


def main():
    job = json.loads(sys.stdin.readline())
    try:
        verdict = survey(job) if "text" in job else judge(composed(job))
    except Refused as refused:
        finding, reason, details = refused.args
        verdict = {"ok": False, "finding": finding, "reason": reason, "details": details}
    print(json.dumps({"token": job["token"], **verdict}))


main()
