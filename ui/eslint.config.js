import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

const DOMAINS = ['containers', 'images', 'builds', 'layers', 'registries', 'volumes', 'activity', 'system']
const forbid = (...groups) => ({
  'no-restricted-imports': ['error', { patterns: groups }],
})
const tauri = { group: ['@tauri-apps/*'], message: 'Only src/lib/ipc talks to Tauri.' }
const demo = { group: ['**/design/**'], message: 'The demo transport never reaches the product.' }
const views = { group: ['**/views/**'], message: 'Imports go down: shared, domain, views.' }
const domains = {
  group: DOMAINS.map((name) => `$lib/${name}/**`),
  message: 'This folder is below the domains.',
}
const engine = {
  group: ['$lib/ipc/client', '$lib/ipc/transport', '$lib/actions/**'],
  message: 'shared/ knows no engine.',
}

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/lib/ipc/generated', 'design/shots'] },
  ...ts.configs.strict,
  ...svelte.configs['flat/recommended'],
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      ...forbid(tauri, demo),
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // TypeScript finds unknown names, and knows the globals of types as well.
      'no-undef': 'off',
      'svelte/no-navigation-without-resolve': 'off',
      'max-lines': ['error', { max: 250, skipBlankLines: false, skipComments: false }],
    },
  },
  { files: ['**/*.svelte'], rules: { 'max-lines': ['error', { max: 200 }] } },
  { files: ['src/lib/ipc/**'], rules: forbid(demo, views, domains) },
  { files: ['src/lib/shared/**'], rules: forbid(tauri, demo, views, domains, engine) },
  { files: ['src/lib/actions/**'], rules: forbid(tauri, demo, views, domains) },
  {
    files: DOMAINS.map((name) => `src/lib/${name}/**`),
    rules: forbid(tauri, demo, views),
  },
  { files: ['**/*.test.ts', 'design/**', '*.config.*'], languageOptions: { globals: globals.node } },
  { files: ['design/**'], rules: { 'no-restricted-imports': 'off' } },
)
