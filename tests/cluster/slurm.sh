#!/usr/bin/env bash
# A SLURM cluster of one node on loopback, for tests: real daemons, no systemd, no cgroups, no accounting.
#
#   tests/cluster/slurm.sh start FOLDER    starts it; all its state lives in FOLDER
#   tests/cluster/slurm.sh stop FOLDER     ends its jobs and its daemons
#
# Needs root, and Debian's `slurm-wlm` and `munge` (make system-deps). A client finds it by
# SLURM_CONF=FOLDER/slurm.conf. Nothing outside FOLDER is written, and several may run side by side.
set -euo pipefail

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# = 2 ] || usage
[ "$(id -u)" = 0 ] || { echo "$0: only root may start SLURM's daemons" >&2; exit 1; }
mkdir -p "$2"
folder=$(cd "$2" && pwd)
export SLURM_CONF=$folder/slurm.conf

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

configure() {
  mkdir -p "$folder/state" "$folder/spool" "$folder/log"
  chmod 755 "$folder" && chmod 700 "$folder/state"
  head -c 1024 /dev/urandom >"$folder/munge.key" && chmod 400 "$folder/munge.key"
  # MaxArraySize is small so that tests meet it, KillWait so that they need not wait.
  cat >"$SLURM_CONF" <<CONF
ClusterName=loopback
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MailProg=/bin/true
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0,requeue_delay=1
ReturnToService=2
MaxArraySize=2
MaxJobCount=100
MinJobAge=60
JobRequeue=1
PreemptMode=REQUEUE
PreemptType=preempt/partition_prio
KillWait=2
SlurmdTimeout=60
MessageTimeout=20
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
CONF
}

start() {
  [ -e "$SLURM_CONF" ] && { echo "$0: $folder already holds a cluster" >&2; exit 1; }
  configure
  munged --force --key-file "$folder/munge.key" --socket "$folder/munge.socket" --seed-file "$folder/munge.seed" \
    --pid-file "$folder/munged.pid" --log-file "$folder/log/munged.log" || fail
  slurmctld -f "$SLURM_CONF" || fail
  slurmd -N localhost -f "$SLURM_CONF" || fail
  for _ in $(seq 100); do
    if [ "$(sinfo --noheader --partition=main --format=%T 2>/dev/null)" = idle ]; then
      echo "export SLURM_CONF=$SLURM_CONF"
      return
    fi
    sleep 0.2
  done
  fail
}

fail() {
  echo "$0: the cluster did not come up; the ends of the daemons' logs:" >&2
  tail -n 20 "$folder"/log/*.log >&2
  stop
  exit 1
}

# Ended in order, then by force: what a test leaves behind must not disturb the next one.
stop() {
  scancel --signal=KILL --full --user=root 2>/dev/null || true
  scancel --user=root 2>/dev/null || true
  local name pid
  for name in slurmd slurmctld munged; do
    pid=$(cat "$folder/$name.pid" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || continue 2; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -f "$SLURM_CONF"
}

case $1 in
  start) start ;;
  stop) stop ;;
  *) usage ;;
esac
