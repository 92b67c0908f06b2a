//! The contract with every face: requests, replies, events, error codes
