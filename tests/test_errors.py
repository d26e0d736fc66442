"""Every error is one clear line with its own exit code, and IPython shows just that line."""

import pytest

from ops_lib import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.BadParameter, 64),
        (errors.BadEnvironment, 64),
        (errors.BadEnvFile, 64),
        (errors.WrongAccount, 64),
        (errors.NotReadable, 3),
        (errors.ChangeRefused, 70),
        (errors.BadJournal, 2),
        (errors.NotJournalled, 70),
        (errors.SandboxFailed, 70),
    ],
)
def test_the_exit_codes_of_the_tree(kind: type[errors.OpsError], code: int) -> None:
    assert kind.exit_code == code
    assert issubclass(kind, errors.OpsError)


def test_bad_input_names_value_rule_and_next_step_on_one_line() -> None:
    error = errors.BadParameter("job_id", "a\nb\x1b[31m", "a rule", "a step")
    assert str(error) == "job_id: got 'a\\nb\\x1b[31m'; a rule. Next: a step."
    assert (error.what, error.value, error.rule, error.next_step) == ("job_id", "a\nb\x1b[31m", "a rule", "a step")


def test_a_long_value_is_cut_and_its_length_said() -> None:
    said = errors.shown("x" * 5000)
    assert len(said) < 160
    assert "5002 characters" in said


def test_ipython_shows_the_line_and_no_traceback() -> None:
    assert errors.NotReadable("no credential")._render_traceback_() == ["NotReadable: no credential"]


def test_what_it_names_is_told_without_its_secrets() -> None:
    error = errors.BadParameter("job_id", "http://alice:hunter22@host/jobs/1", "a rule", "a step")
    for told in (str(error), *error._render_traceback_()):
        assert "hunter22" not in told
        assert "[removed]@host" in told
