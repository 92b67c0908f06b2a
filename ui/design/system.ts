import type { SystemInfo } from '../src/lib/ipc/client'

export const system = (): SystemInfo => ({
  version: '0.1.0',
  privilege: 'rootless',
  dataRoot: '/home/mina/.local/share/terrarium',
  runRoot: '/run/user/1000/terrarium',
  socket: '/run/user/1000/terrarium/docker.sock',
  hostname: 'moss',
  kernel: '6.12.41',
  operatingSystem: 'Debian GNU/Linux 13',
  architecture: 'amd64',
  cpus: 8,
  memoryBytes: 33_500_000_000,
  cgroup: 'v2',
  readyUsec: 38_214,
  checks: [
    { name: 'overlayfs', state: 'ok', detail: 'mounts in a user namespace', finding: null, fix: null },
    { name: 'userNamespaces', state: 'ok', detail: 'allowed', finding: null, fix: null },
    { name: 'subordinateIds', state: 'ok', detail: '65536 from 100000', finding: null, fix: null },
    { name: 'cgroup', state: 'limited', detail: 'cpu is not delegated to this user', finding: null, fix: 'sudo systemctl set-property user@1000.service Delegate=yes' },
    { name: 'seccomp', state: 'ok', detail: 'filters can be loaded', finding: null, fix: null },
    { name: 'network', state: 'ok', detail: 'pasta', finding: null, fix: null },
  ],
  registryMirrors: [],
  insecureRegistries: [],
  warnings: [],
})
