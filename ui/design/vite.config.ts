import { svelte } from '@sveltejs/vite-plugin-svelte'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  root: here,
  publicDir: '../public',
  plugins: [svelte({ configFile: '../svelte.config.js' })],
  resolve: { alias: { $lib: fileURLToPath(new URL('../src/lib', import.meta.url)) } },
  server: { port: 1421, strictPort: true, fs: { allow: ['..'] } },
  preview: { port: 1421, strictPort: true },
  build: { outDir: '../node_modules/.design-dist', emptyOutDir: true, chunkSizeWarningLimit: 2_000 },
})
