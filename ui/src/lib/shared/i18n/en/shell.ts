export const pages = { home: 'Home', containers: 'Containers', images: 'Images', volumes: 'Volumes', activity: 'Activity', settings: 'Settings' }

export const common = {
  actions: 'Actions',
  cancel: 'Cancel',
  choose: (name: string) => `Choose ${name}`,
  clear: 'Clear',
  clearFilter: 'Show all',
  close: 'Close',
  code: 'Code',
  copied: 'Copied',
  copy: 'Copy',
  copyDigest: 'Copy digest',
  details: 'Details',
  more: 'More',
  retry: 'Try again',
}

export const units = {
  second: 's',
  seconds: (n: number) => `${n} s`,
  minutes: (n: number) => `${n} min`,
  hours: (h: number, m: number) => (m === 0 ? `${h} h` : `${h} h ${m} min`),
  days: (n: number) => (n === 1 ? '1 day' : `${n} days`),
  cores: (n: number) => `${Number(n.toFixed(2))} ${n === 1 ? 'core' : 'cores'}`,
}

export const shell = {
  rail: 'Main',
  find: 'Find or run',
  memory: 'Memory',
  engine: { running: 'Engine running', pending: 'Engine starting', failed: 'Engine not reached' },
  asOf: (time: string) => `as of ${time}`,
  warnings: (n: string) => `${n} to know`,
}

export const palette = {
  placeholder: 'A container, an image, or what to do',
  results: 'Results',
  none: 'Nothing has this name.',
  selected: 'Selected',
  commands: 'Commands',
  go: (page: string) => `Go to ${page}`,
}

export const keys = {
  sheet: 'All keys',
  everywhere: 'Everywhere',
  inList: 'In a list',
  palette: 'Find or run',
  search: 'Search',
  previousTab: 'Previous tab',
  nextTab: 'Next tab',
  list: 'Show or hide the list',
  inspector: 'Show or hide Under the hood',
  back: 'Back to the list',
  down: 'Down',
  up: 'Up',
  extendDown: 'Choose the next one too',
  extendUp: 'Choose the one before too',
  first: 'First',
  last: 'Last',
  open: 'Open',
  all: 'Choose all',
}

export const home = {
  emptyTitle: 'Nothing is growing yet',
  emptyText: 'A container is an ordinary process that sees its own files, network and limits. Start one, then look inside.',
  starter: 'Starter image',
  starterText: 'made from the busybox of this machine',
  offline: 'works offline',
  imageFacts: (layers: number, size: string) => `${layers} ${layers === 1 ? 'layer' : 'layers'} · ${size}`,
  run: 'Run it',
  steps: { image: 'Making the image', container: 'Making the container', start: 'Starting' },
  machine: 'This machine',
  ready: (time: string) => `No VM, no account · engine ready in ${time}`,
  jar: {
    process: { title: 'Your process', text: 'Grows here when you run it. Stop it and the jar stays.' },
    writable: { title: 'Writable layer', text: 'Everything it changes lands here.' },
    layers: { title: 'Image layers', text: 'Read-only, shared by every container of this image.' },
  },
  running: 'Running',
  attention: 'Needs a look',
  resting: 'At rest',
  of: (n: number) => `of ${n}`,
  engineCost: 'The engine itself',
  more: (n: number) => `${n} more`,
}

export const inspector = {
  title: 'Under the hood',
  view: 'What to show',
  close: 'Hide Under the hood',
  tabs: { action: 'Action', oci: 'OCI', kernel: 'Kernel' },
  click: 'Click',
  command: 'Command',
  kernel: 'Kernel',
  total: (time: string) => `${time} in all`,
  copyCommand: 'Copy command',
  unknown: 'unknown',
  noKernelActs: 'The kernel had nothing to do for this.',
  clicked: (verb: string, subject: string) => `${verb}: ${subject}`,
  clickedUnknown: (action: string, subject: string) => `${action}: ${subject}`,
  measured: 'These calls really happened; the times are measured.',
  nothingYet: 'Do something, and this shows the command that does the same and what the kernel was asked to do.',
  before: 'Before',
  chooseObject: 'Choose a container or an image to see what the kernel knows about it.',
  kernelFacts: 'What the kernel knows',
  notes: 'What was weakened, and why',
  look: 'Look for yourself',
  spec: 'OCI specification',
  noSpec: 'The specification is written at the first start.',
}

/** Names of actions as the engine's traces carry them. */
export const actions: Record<string, string> = {
  'container.create': 'Create container',
  'container.start': 'Start',
  'container.stop': 'Stop',
  'container.restart': 'Restart',
  'container.kill': 'Kill',
  'container.pause': 'Pause',
  'container.unpause': 'Resume',
  'container.resume': 'Resume',
  'container.remove': 'Remove container',
  'container.rename': 'Rename',
  'container.update': 'Change limits',
  'image.pull': 'Pull image',
  'image.make_starter': 'Make starter image',
  'image.tag': 'Add a name',
  'image.remove': 'Remove image',
  'volume.create': 'Create volume',
  'volume.remove': 'Remove volume',
}
