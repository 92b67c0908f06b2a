//! What a page is made of.

use anyhow::Result;
use serde_json::json;

use crate::Window;

/// An element of the page.
#[derive(Debug)]
pub struct Element<'w> {
    pub(crate) window: &'w Window,
    pub(crate) id: String,
}

impl Element<'_> {
    /// Clicks it.
    ///
    /// # Errors
    /// When it cannot be clicked now.
    pub fn click(&self) -> Result<()> {
        self.window
            .post(&format!("/element/{}/click", self.id), &json!({}))
            .map(drop)
    }

    /// Types into it.
    ///
    /// # Errors
    /// When it takes no text.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.window
            .post(
                &format!("/element/{}/value", self.id),
                &json!({"text": text}),
            )
            .map(drop)
    }
}
