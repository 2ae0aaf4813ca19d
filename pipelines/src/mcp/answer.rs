//! What a tool answered.

use rmcp::model::{CallToolResult, ContentBlock};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::McpError;

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolAnswer {
    /// The text blocks of the answer, one after the other, a line break between them.
    pub text: String,
    /// The structured content, where the tool gives one.
    pub structured: Option<Value>,
}

impl ToolAnswer {
    /// The answer as `T`: from the structured content if there is one, else from the text, which many tools fill
    /// with JSON.
    ///
    /// # Errors
    /// [`McpError::BadAnswer`] if it is no JSON or does not fit `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, McpError> {
        match &self.structured {
            Some(value) => T::deserialize(value),
            None => serde_json::from_str(&self.text),
        }
        .map_err(|error| {
            // The parser quotes what it met, which can be as long as the answer.
            let problem: String = error.to_string().chars().take(200).collect();
            McpError::bad_answer(format!("the tool's answer is not the expected JSON: {problem}"))
        })
    }
}

impl From<CallToolResult> for ToolAnswer {
    fn from(result: CallToolResult) -> Self {
        let texts: Vec<String> = result
            .content
            .into_iter()
            .filter_map(|block| match block {
                ContentBlock::Text(text) => Some(text.text),
                _ => None,
            })
            .collect();
        Self { text: texts.join("\n"), structured: result.structured_content }
    }
}
