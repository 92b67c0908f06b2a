//! Pure types and parsers of the OCI specifications
