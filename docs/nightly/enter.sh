#!/usr/bin/env bash
# Enters the components that were added or changed since a commit, those not committed yet among them: each is
# checked, run in a small study, and commented on in comment.md and comment.json. Anywhere inside the repository:
#
#   docs/nightly/enter.sh [BASE] [OVERRIDE|OPTION]...
#
# BASE is origin/main unless given. What follows it goes to `swapbench enter` as it is. SWAPBENCH names another
# program than the swapbench of the path. Exit codes are those of `swapbench enter`; 0 where nothing has changed.
set -euo pipefail

base=${1:-origin/main}
if (($#)); then shift; fi
cd "$(git rev-parse --show-toplevel)"
since=$(git merge-base "$base" HEAD)

entries=()
places=(':(glob)components/*/*.yaml' ':(glob)components/*/*.py')
add() { # the component of a YAML file, once
  local file=$1 slot known
  slot=${file#components/}
  slot=${slot%%/*}
  [ "$slot" != pipeline ] || return 0
  for known in ${entries[@]+"${entries[@]}"}; do
    [ "$known" != "$slot/$(basename "$file" .yaml)" ] || return 0
  done
  entries+=("$slot/$(basename "$file" .yaml)")
}

# A renamed file counts as a new one; one that is gone is not looked at.
while IFS= read -r -d '' file; do
  case $file in
    *.yaml) add "$file" ;;
    *.py) # every component that is made of it
      module=${file%.py}
      while IFS= read -r -d '' user; do
        add "$user"
      done < <(git grep --untracked -zlF -e "${module//\//.}." -- ':(glob)components/*/*.yaml' || true)
      ;;
  esac
done < <(
  git diff --name-only -z --no-renames --diff-filter=d "$since" -- "${places[@]}"
  git ls-files --others --exclude-standard -z -- "${places[@]}"
)

if ((${#entries[@]} == 0)); then
  echo "no component was added or changed since $base"
  exit 0
fi
printf 'entering %s\n' "${entries[@]}"
exec "${SWAPBENCH:-swapbench}" enter "${entries[@]}" "$@" --out comment.md --json comment.json
