//! Bridges, addresses and published ports
