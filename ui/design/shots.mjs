// Photographs every screen of the design review and runs axe over each. Usage: node design/shots.mjs [name-part]
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const BASE = 'http://localhost:1421/'
const OUT = new URL('./shots/', import.meta.url).pathname
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const id = (page, name) => page.evaluate((wanted) => [...document.querySelectorAll('[data-testid=container-row]')].find((row) => row.dataset.name === wanted)?.dataset.row, name)

const openContainer = (name, tab) => async (page) => {
  const container = await id(page, name)
  await page.evaluate(([at, to]) => (location.hash = `#/containers/${at}/${to}`), [container, tab])
  await page.waitForTimeout(700)
}

const screens = {
  'home-empty': { query: 'empty', hash: '#/home' },
  many: { query: 'many=1000', hash: '#/containers', act: async (page) => { await page.focus('[data-row][tabindex="0"]'); await page.keyboard.press('End'); await page.waitForTimeout(300); console.log('rows', await page.locator('[data-testid=container-row]').count(), await page.evaluate(() => document.activeElement?.dataset.name)) } },
  home: { hash: '#/home' },
  containers: { hash: '#/containers', act: async (page) => { await page.click('[data-name=shop-api-1]'); await page.click('[data-name=shop-api-1] [data-testid="container.stop"]'); await page.waitForTimeout(400) } },
  bulk: { hash: '#/containers', act: async (page) => { await page.click('[data-name=shop-api-1]'); await page.click('[data-name=shop-cache-1]', { modifiers: ['Shift'] }) } },
  menu: { hash: '#/containers', act: async (page) => { await page.click('[data-name=shop-api-1]', { button: 'right' }) } },
  confirm: { hash: '#/containers', act: async (page) => { await page.click('[data-name=hello]'); await page.focus('[data-name=hello]'); await page.keyboard.press('Delete'); await page.waitForTimeout(200) } },
  create: { hash: '#/containers', act: async (page) => { await page.click('[data-testid=new-container]'); await page.click('[data-testid=add-port]'); await page.click('[data-testid=add-mount]'); await page.click('[data-testid=create-run]') } },
  palette: { hash: '#/containers', act: async (page) => { await page.keyboard.press('Control+k'); await page.keyboard.type('sh') } },
  keys: { hash: '#/containers', act: async (page) => { await page.keyboard.press('Shift+Slash') } },
  summary: { hash: '#/containers', act: openContainer('shop-db-1', 'summary') },
  logs: { hash: '#/containers', act: async (page) => { await openContainer('shop-api-1', 'logs')(page); await page.fill('[data-testid=log-search]', 'retry') } },
  terminal: { hash: '#/containers', act: async (page) => { await openContainer('twin-a', 'terminal')(page); await page.waitForTimeout(900) } },
  resources: { hash: '#/containers', act: async (page) => { await openContainer('shop-worker-1', 'resources')(page); await page.waitForTimeout(600) } },
  timeline: { hash: '#/containers', act: openContainer('shop-api-1', 'timeline') },
  images: { hash: '#/images' },
  image: { hash: '#/images', act: async (page) => { await page.click('[data-name="ghcr.io/acme/shop-api:2.14.0"] a'); await page.waitForTimeout(300); await page.click('[data-testid=layer] >> nth=2') } },
  manifest: { hash: '#/images', act: async (page) => { await page.click('[data-name="ghcr.io/acme/shop-api:2.14.0"] a'); await page.click('[data-testid=tab-manifest]'); await page.waitForTimeout(300) } },
  pull: { query: 'pull=2600000', hash: '#/images', act: async (page) => { await page.click('[data-testid=pull-image]'); await page.fill('[data-testid=pull-name]', 'postgres:16-alpine'); await page.waitForTimeout(200); await page.click('[data-testid=pull-start]'); await page.waitForTimeout(1600) } },
  volumes: { hash: '#/volumes' },
  networks: { hash: '#/networks' },
  network: { hash: '#/networks/shop' },
  'network-create': { hash: '#/networks', act: async (page) => { await page.click('[data-testid=new-network]'); await page.fill('[data-testid=network-name]', 'shop'); await page.fill('[data-testid=network-subnet]', '10.20.0.0/24'); await page.fill('[data-testid=network-range]', '10.20.0.128/25') } },
  'network-connect': { hash: '#/networks/vault', act: async (page) => { await page.click('[data-testid="network.connect"]') } },
  activity: { hash: '#/activity' },
  settings: { hash: '#/settings' },
  failed: { query: 'failed', hash: '#/containers' },
}

const sizes = { wide: [1440, 900], narrow: [1024, 640] }
const [, , part = '', combos = 'dark-en-wide', extra = ''] = process.argv
mkdirSync(OUT, { recursive: true })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const combo of combos.split(',')) {
  const [theme, lang, size] = combo.split('-')
  const [width, height] = sizes[size]
  const page = await browser.newPage({ viewport: { width, height } })
  page.setDefaultTimeout(5_000)
  page.on('pageerror', (error) => console.log('PAGE ERROR', error.message))
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('NETWORK_CHANGED') && console.log('CONSOLE', message.text()))
  for (const [name, { query = '', hash, act }] of Object.entries(screens)) {
    if (!name.includes(part)) continue
    try {
      await page.goto('about:blank')
      await page.goto(`${BASE}?theme=${theme}&lang=${lang}&${query}${extra}${hash}`)
      await page.waitForTimeout(500)
      await act?.(page)
      await page.waitForTimeout(200)
      await page.screenshot({ path: `${OUT}${name}-${combo}.png` })
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }))
      for (const { id, nodes } of violations) console.log(`${name} ${combo} ${id}: ${nodes.length}`, nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 160)} :: ${failureSummary?.split('\n').slice(1, 3).join(' ')}`).join('\n    '))
    } catch (error) {
      console.log(`${name} ${combo} FAILED`, String(error).slice(0, 400))
    }
  }
  await page.close()
}
await browser.close()
