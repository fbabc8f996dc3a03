# Stages with a table of their seconds at the end, also after a failure. Sourced by `run` and `campaign`.
# shellcheck shell=bash

stage_rows=()

# stage NAME COMMAND...: runs the command, says where it begins, and stops everything when it fails.
stage() {
    local name=$1 started=$SECONDS
    shift
    printf '\n==> %s: %s\n' "$name" "$*"
    running=$name
    running_since=$started
    "$@"
    stage_rows+=("$(printf '%6d s  %s' $((SECONDS - started)) "$name")")
    running=
}

print_stages() {
    local status=$?
    printf '\nseconds by stage (%s cores)\n' "$(nproc)"
    [ ${#stage_rows[@]} -eq 0 ] || printf '%s\n' "${stage_rows[@]}"
    [ -z "${running:-}" ] || printf '%6d s  %s FAILED\n' $((SECONDS - running_since)) "$running"
    printf '%6d s  in all: %s\n' "$SECONDS" "$([ "$status" -eq 0 ] && echo passed || echo "failed ($status)")"
}
trap print_stages EXIT

# debian COMMAND=PACKAGE...: installs the packages whose command is missing, and nothing when none is.
debian() {
    local pair missing=() sudo=
    for pair in "$@"; do
        command -v "${pair%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -gt 0 ] || { echo "nothing is missing"; return; }
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}"
}
