"""The errors that end a command with one line for the person who ran it."""


class StackError(Exception):
    """A local stack cannot do what was asked; the text says why and what to do."""


class FolderBusy(StackError):
    """Another supervisor runs a stack in this folder."""


class NotRunning(StackError):
    """No stack runs in this folder."""


class PortTaken(StackError):
    """The wanted port belongs to another program."""


class ServerMissing(StackError):
    """The program of a server is not installed; the text says what to install."""


class ProcessFailed(StackError):
    """A process ended, or did not become ready in time; the text carries the end of its log."""
