"""What the server for agents says of itself."""

from ml_connector import __version__
from ml_connector.cli.agents import make_server
from ml_connector.cli.options import Options


def test_server_for_agents_names_our_version() -> None:
    """Not its library's: whoever asks for help quotes it."""
    told = make_server(Options(), "helper")._mcp_server.create_initialization_options()

    assert (told.server_name, told.server_version) == ("ml-connector", __version__)
