#!/usr/bin/env bash
# Makes or updates `.venv`. The Makefile hands PYTHON, SYSTEM and PIP_ARGS over.
#
# The stamp `.venv/.ready` is written last: an environment without it was interrupted and is made
# anew. It holds the mode and the folder, so that a copied or moved environment is made anew too.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
stamp=.venv/.ready
oldest_torch=2.6

fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }
say() { printf 'setup: %s\n' "$*"; }

describe() {
    .venv/bin/python - <<'PY'
import sys, torch
cpu = f"cpu, {torch.get_num_threads()} threads"
device = torch.cuda.get_device_name() if torch.cuda.is_available() else cpu
print(f"setup: ready: Python {sys.version.split()[0]}, torch {torch.__version__} on {device}")
PY
}

# Without SYSTEM an environment keeps its mode: `make test` does not undo `make setup SYSTEM=1`.
choose_mode() {
    case ${SYSTEM-unset} in
        unset | "") mode=$(head -n 1 "$stamp" 2>/dev/null || echo pinned) ;;
        0) mode=pinned ;;
        *) mode=system ;;
    esac
}

version() { "$1" -c "import sys; print('%d.%d' % sys.version_info[:2])" 2>/dev/null; }

home() { "$1" -c "import sys; print(sys.base_prefix, sys.version)" 2>/dev/null; }

# An environment made by another Python is kept unless PYTHON asks for one by name.
usable() {
    [ "$(cat "$stamp" 2>/dev/null)" = "$mode"$'\n'"$PWD" ] && home .venv/bin/python >/dev/null &&
        { [ -z "${PYTHON-}" ] || [ "$(home .venv/bin/python)" = "$(home "$python")" ]; }
}

up_to_date() { usable && [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt constraints.txt ]; }

# One setup at a time; a lock on a file that is there anyway leaves nothing behind.
take_turn() {
    command -v flock >/dev/null || return 0
    exec 9<pyproject.toml
    flock -n 9 || { say "waiting for another setup to end"; flock 9; }
}

newer_python() {
    for name in python3.14 python3.13 python3.12 python3.11 python3.10; do
        if "$name" -c "import ensurepip" 2>/dev/null; then echo "$name"; return; fi
    done
    echo python3.11
}

check_python() {
    "$python" -c "" 2>/dev/null || fail "$python does not run. Try: PYTHON=$(newer_python) make setup"
    "$python" -c "import sys; sys.exit(sys.version_info < (3, 10))" ||
        fail "Python >= 3.10 is needed, $("$python" -V 2>&1) found. Try: PYTHON=$(newer_python) make setup"
    "$python" -c "import venv, ensurepip" 2>/dev/null ||
        fail "ensurepip is missing from $python. Try: sudo apt install python$(version "$python")-venv"
}

make_venv() {
    say "making .venv with $("$python" -V)"
    rm -rf .venv
    "$python" -m venv $([ "$mode" = system ] && echo --system-site-packages) .venv
}

torch_version() { .venv/bin/python -c "import torch; print(torch.__version__)" 2>/dev/null; }

check_system_torch() {
    .venv/bin/python - "$oldest_torch" <<'PY' && return
import sys
try:
    import torch
except ImportError:
    sys.exit(1)
number = lambda text: tuple(int(part) for part in text.split("+")[0].split(".")[:2])
sys.exit(number(torch.__version__) < number(sys.argv[1]))
PY
    fail "SYSTEM=1 keeps an installed torch >= $oldest_torch; $python has $(torch_version || echo none)." \
        "Install one for it, or run: make setup SYSTEM=0"
}

# -qq leaves errors only; the constraint keeps torch as it is in both modes.
pip_install() {
    local extra
    read -ra extra <<<"${PIP_ARGS:-}"
    .venv/bin/python -m pip install -qq --disable-pip-version-check "${extra[@]}" "$@" ||
        fail "pip failed. Run the command again to start over; PIP_ARGS=-v says more."
}

install_pinned() {
    say "installing $(grep -i '^torch' constraints.txt) (the large part: minutes)"
    pip_install -c constraints.txt torch
    say "installing nashgrad and its extras lab, images, live, tensorboard, dev"
    pip_install -c constraints.txt -e ".[lab,images,live,tensorboard,dev]"
}

install_system() {
    check_system_torch
    say "keeping torch $(torch_version), installing nashgrad and its extras lab, images, live, tensorboard, dev"
    pip_install -c <(echo "torch==$(torch_version)") -e ".[lab,images,live,tensorboard,dev]"
}

choose_mode
if [ "${1-}" = --describe ]; then describe; exit; fi
up_to_date && exit
take_turn
up_to_date && exit
check_python
usable || make_venv
rm -f "$stamp"
"install_$mode"
printf '%s\n' "$mode" "$PWD" >"$stamp"
