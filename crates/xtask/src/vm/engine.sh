# The engine with the real docker client: limits of containers stand in the files of cgroup v2, and hold.
dir=$(mktemp -d)
export DOCKER_HOST=unix://$dir/run/docker.sock
ENGINE --data-root $dir/data --run-root $dir/run > $dir/log 2>&1 &
engine=$!
until docker version > /dev/null 2>&1; do
  kill -0 $engine 2> /dev/null || fail "the engine ended: $(tail -n 5 $dir/log)"
  sleep 1
done
tar -C /suites/user/rootfs -c . | docker import - box > /dev/null || fail import
box() { docker run --network none "$@"; }

found=$(box --rm -m 64m --cpus 0.5 --pids-limit 20 box cat SHOWN)
test "$found" = 'LIMITS' || fail "found: $found"

grow='x=0123456789abcdef; while :; do x=$x$x; done'
box --name hungry -m 16m box sh -c "$grow" > /dev/null 2>&1
code=$?
state=$(docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' hungry)
test "$code $state" = '137 true 137' || fail "a hungry one: $code $state"

fork='(for i in 1 2 3 4 5 6 7 8; do sleep 99 & done) 2> /dev/null; read line < /sys/fs/cgroup/pids.events; echo $line'
found=$(box --rm --pids-limit 5 box sh -c "$fork")
case $found in 'max '[1-9]*) ;; *) fail "beyond its processes: $found" ;; esac

spin='i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; grep nr_throttled /sys/fs/cgroup/cpu.stat'
found=$(box --rm --cpus 0.1 box sh -c "$spin")
case $found in 'nr_throttled '[1-9]*) ;; *) fail "beyond its share: $found" ;; esac

box -d --name life -m 64m --pids-limit 20 box sleep 9999 > /dev/null || fail "run -d"
docker update -m 32m --memory-swap 32m life > /dev/null || fail update
found=$(docker exec life cat /sys/fs/cgroup/memory.max)
test "$found" = 33554432 || fail "updated: $found"
found=$(docker stats --no-stream --format '{{.MemUsage}}, {{.PIDs}}' life)
case $found in *'/ 32MiB, 1') ;; *) fail "stats: $found" ;; esac
docker pause life > /dev/null && test "$(docker inspect -f '{{.State.Paused}}' life)" = true || fail pause
docker unpause life > /dev/null && docker exec life true || fail unpause
docker rm -f life hungry > /dev/null || fail rm
kill $engine && wait $engine
left=$(find /sys/fs/cgroup -depth -type d -path '*terrarium*' ! -name terrarium ! -path '*suites*')
test -z "$left" || fail "left: $left"
