const list = (names: readonly string[]): string => names.join(', ')

/** Proposals for a Dockerfile. */
export const coach = {
  title: 'Diet and cache coach',
  kinds: {
    installFirst: {
      title: 'Install before copying everything',
      text: (names: readonly string[]) => `Every edited file installs everything again. With only ${list(names)} copied first, the install stays cached until they change.`,
    },
    cacheMount: {
      title: 'Keep what is downloaded',
      text: ([tool = '', folder = '']: readonly string[]) => `Whenever this step runs, ${tool} downloads everything again. A cache mount at ${folder} lasts from build to build, and nothing of it ends up in the image.`,
    },
    cleanUp: {
      title: 'Leave nothing behind',
      text: ([folder = '']: readonly string[]) => `This step leaves ${folder} in its layer. Only removing it in the same step makes the image smaller.`,
    },
    leaveOut: {
      title: 'Leave folders out of the build',
      text: (names: readonly string[]) => `The build takes ${list(names)} along. That takes time, and a changed file in there runs the copy and what follows again.`,
    },
  },
  line: (n: number) => `line ${n}`,
  lastTook: (time: string) => `took ${time} last time`,
  tooMany: (size: string, files: string) => `${size} in ${files} ${files === '1' ? 'file' : 'files'}`,
  change: 'The change',
  gone: 'Gone:',
  come: 'New:',
  apply: 'Apply',
  measure: 'Build both and measure',
  measuring: 'Building both…',
  busy: 'One build at a time is measured',
  before: 'Now',
  after: 'Proposed',
  image: 'Image',
  again: 'Built again after an edit',
  anew: 'Every step anew',
}
