"""Which variables an agent sees: those that a program needs anywhere, and those its profile names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from executor import redaction

# What a shell, a language's tools and a network need. No key, no token, no password of anything else.
USUAL = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "LANG", "LANGUAGE", "LC_*", "TERM", "COLORTERM", "TZ", "CI"),
    *("TMPDIR", "TEMP", "TMP", "XDG_*", "EDITOR", "NO_COLOR", "DISPLAY", "WAYLAND_DISPLAY", "SSH_AUTH_SOCK"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"),
    *("VIRTUAL_ENV", "PYTHONPATH", "PYENV_*", "CONDA_*", "UV_*", "NVM_*", "NODE_PATH", "NODE_OPTIONS", "NPM_CONFIG_*"),
    *("JAVA_HOME", "GOPATH", "GOROOT", "GOFLAGS", "CARGO_HOME", "RUSTUP_HOME", "GEM_*", "RBENV_*", "DOTNET_ROOT"),
    *("GIT_AUTHOR_*", "GIT_COMMITTER_*", "GIT_CONFIG_*", "PKG_CONFIG_PATH", "LD_LIBRARY_PATH", "DYLD_*", "CC", "CXX"),
)


def allowed(environ: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    """The part of an environment that is for the agent."""
    return {
        name: value
        for name, value in environ.items()
        if _is_among(name, patterns) or (_is_among(name, USUAL) and not redaction.says_so(name))
    }


def _is_among(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, one) for one in patterns)
