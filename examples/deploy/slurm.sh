#!/usr/bin/env bash
# A cluster for the length of one job: one member per node, a batch, the end.
# sbatch examples/deploy/slurm.sh requests.jsonl results.jsonl http://vllm.example:8000/v1
#SBATCH --job-name=graphbit
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=2
#SBATCH --time=04:00:00
set -euo pipefail
if [ $# -ne 3 ]; then
  echo "usage: sbatch slurm.sh REQUESTS RESULTS BASE_URL" >&2
  exit 2
fi
requests=$1 results=$2 base_url=$3
certs=$(mktemp -d "$PWD/certs.XXXXXX")
trap 'rm -rf "$certs"' EXIT

hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
graphbit certs init --dir "$certs" --days 2
for host in $hosts owner; do graphbit certs issue "$host" --dir "$certs" --host "$host" --days 2; done
seed=$(head -n 1 <<<"$hosts"):4711

export certs seed
# shellcheck disable=SC2016 # expanded on each node
srun --kill-on-bad-exit=0 bash -c '
  host=$(hostname)
  exec graphbit node --listen "0.0.0.0:4711" --advertise "$host:4711" --name "$host" --seed "$seed" \
    --cert "$certs/$host.pem" --key "$certs/$host.key" --ca "$certs/ca.pem"' &
members=$!

status=0
graphbit batch "$requests" -o "$results" --base-url "$base_url" --cluster "$seed" \
  --ca "$certs/ca.pem" --cert "$certs/owner.pem" --key "$certs/owner.key" || status=$?
kill -TERM "$members"
wait "$members" || true
exit "$status"
