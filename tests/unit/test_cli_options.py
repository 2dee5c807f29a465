"""What every command takes."""

from ml_connector.cli.options import Options


def test_verbose_is_a_level_of_the_log_that_a_setting_overrules() -> None:
    """The shorter word for one command; who names a level means it."""
    assert Options(verbose=True).parse_overrides() == {"log_level": "debug"}
    named = Options(verbose=True, set_=["log_level=info"]).parse_overrides()
    assert named == {"log_level": "info"}
    assert Options().parse_overrides() == {}
