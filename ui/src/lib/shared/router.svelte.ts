import { formatRoute, parseRoute, type Route } from './route'

/** The place in the window, kept in the address so that back and forward work. */
class Router {
  route = $state.raw<Route>(parseRoute(location.hash))

  constructor() {
    addEventListener('hashchange', () => (this.route = parseRoute(location.hash)))
  }

  go(route: Route): void {
    location.hash = formatRoute(route)
  }
}

export const router = new Router()
