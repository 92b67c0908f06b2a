import { start } from '../src/start'
import { DemoTransport } from './transport'

const options = new URLSearchParams(location.search)
const language = options.get('lang')
const theme = options.get('theme')

start(
  new DemoTransport({
    settings: {
      language,
      theme: theme === 'light' || theme === 'dark' ? theme : 'system',
      motion: 'reduced',
    },
    empty: options.has('empty'),
    many: Number(options.get('many') ?? 0),
    failed: options.has('failed'),
  }),
)
