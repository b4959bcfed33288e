//! What one can do: one public function is one transaction.
