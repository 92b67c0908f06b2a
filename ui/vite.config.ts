import { svelte } from '@sveltejs/vite-plugin-svelte'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export const lib = fileURLToPath(new URL('./src/lib', import.meta.url))

export default defineConfig({
  plugins: [svelte()],
  resolve: { alias: { $lib: lib } },
  // Tauri waits for this exact address in development.
  server: { port: 5173, strictPort: true },
  build: {
    // WebKitGTK 2.40 and later.
    target: 'safari16.4',
    chunkSizeWarningLimit: 600,
  },
  test: { include: ['src/**/*.test.ts'] },
})
