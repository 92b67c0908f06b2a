import { TauriTransport } from '$lib/ipc/tauri'
import { start } from './start'

start(new TauriTransport())
