"""The command that lets a shell complete the others."""

import click
from click.shell_completion import get_completion_class

from inventory.cli.output import NAME, report

_VARIABLE = f"_{NAME.upper()}_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what SHELL needs to complete commands and options.

    For bash, in ~/.bashrc: eval "$(inventory completion bash)"; for zsh the same in ~/.zshrc; for
    fish: inventory completion fish > ~/.config/fish/completions/inventory.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    script = kind(root, {}, NAME, _VARIABLE).source()
    report({"shell": shell, "script": script}, script)
