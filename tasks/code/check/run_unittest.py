"""Runs a folder's unittest tests and writes each one's outcome to /work/report as JSON: null where it passed."""

import json
import sys
import unittest


class Outcomes(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.said = {}

    def addSuccess(self, test):
        self.said[test.id()] = None

    def addFailure(self, test, error):
        self.said[test.id()] = f"{error[0].__name__}: {error[1]}"[:300]

    addError = addFailure

    def addSkip(self, test, reason):
        self.said[test.id()] = f"skipped: {reason}"

    def addExpectedFailure(self, test, error):
        self.said[test.id()] = "fails, as expected"

    def addUnexpectedSuccess(self, test):
        self.said[test.id()] = "passes, against expectation"

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addFailure(test, error)
            self.said[test.id()] = self.said[test.id()] or "a subtest failed"


def keep_failures(outcomes):
    """A test whose subtest failed does not pass afterwards."""
    passed = outcomes.addSuccess
    outcomes.addSuccess = lambda test: None if test.id() in outcomes.said else passed(test)


sys.path.insert(0, ".")
outcomes = Outcomes()
keep_failures(outcomes)
unittest.defaultTestLoader.discover(sys.argv[1] if len(sys.argv) > 1 else ".", top_level_dir=".").run(outcomes)
with open("/work/report", "w", encoding="utf-8") as file:
    json.dump(outcomes.said, file)
