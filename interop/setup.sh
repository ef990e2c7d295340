#!/bin/sh
# Installs the programs that the interop tests run against, pinned, into
# interop/.cache. Safe to run again: what is there is kept.
set -eu
cd "$(dirname "$0")"
mkdir -p .cache

venv=.cache/wandb-venv
stamp=$venv/.installed-$(cksum <wandb/requirements.txt | tr ' ' -)
if [ ! -e "$stamp" ]; then
	python=${PYTHON:-python3}
	if ! "$python" -c 'import ensurepip' 2>/dev/null; then
		if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
			apt-get update -q && apt-get install -qy python3 python3-venv
		else
			echo "interop: $python cannot make virtual environments; install the python3-venv package" >&2
			exit 1
		fi
	fi
	rm -rf "$venv"
	"$python" -m venv "$venv"
	"$venv/bin/pip" install -q --disable-pip-version-check -r wandb/requirements.txt
	touch "$stamp"
fi
"$venv/bin/python" -c 'import wandb; print("interop: official W&B client", wandb.__version__)'
